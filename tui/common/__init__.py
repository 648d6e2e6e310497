"""What several pages draw with.

Must never know a page.
"""
