"""The app: what holds the pages together, and what each action of the table does.

Must never load a model itself, nor bind a key: the table of actions has the keys.
"""
