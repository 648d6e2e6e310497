"""The GPT-2 family on a fast path of its own: weights, cache and forward pass.

Must never import transformers, nor choose a token.
"""
