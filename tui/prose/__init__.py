"""The document as tinted, soft-wrapped text, on the main page and wherever else a run is read.

Must never put a model's text through markup.
"""
