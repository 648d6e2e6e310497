"""What a given text costs a model, token by token, and which presets could have written it.

Must never choose a token.
"""
