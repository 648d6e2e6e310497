"""Models of every architecture that transformers knows, run by transformers.

Must never import code from a model's folder, nor choose a token.
"""
