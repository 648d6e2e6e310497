"""The GPT-2 family on its fast path.

Must never import transformers, nor choose a token.
"""
