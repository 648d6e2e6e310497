"""``gpt2-playground compare``: the command that puts runs side by side, and what it writes.

Must never load a model before the columns have been made.
"""
