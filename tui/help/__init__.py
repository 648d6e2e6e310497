"""Help and the menu: what can be pressed here, and how to read what a page shows.

Must never name a key of its own account: the table of actions has them.
"""
