"""Models behind one small contract (``base``): found, loaded, and run.

Must never choose a token, know of settings, or run code that came with a model.
"""
