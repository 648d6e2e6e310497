"""``gpt2-playground tree``: the command, and the forms in which it writes what could be said.

Must never load a model before the prompt, the preset and the reach have been read.
"""
