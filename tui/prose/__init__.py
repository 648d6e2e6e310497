"""The document as tinted, soft-wrapped text.

Must never put a model's text through markup.
"""
