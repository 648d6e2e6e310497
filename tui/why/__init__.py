"""The pages that explain one step, of tokens and of beams.

Must never run a model.
"""
