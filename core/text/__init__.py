"""Characters, tokens, and text made fit to be shown.

Must never run a model, nor decide what is written.
"""
