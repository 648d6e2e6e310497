"""``gpt2-playground score``: the command and the table that it writes.

Must never load a model before the text and the presets have been read.
"""
