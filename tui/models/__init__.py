"""The pages on models: which to pick, and what the one at hand is.

Must never load, fetch or read a model.
"""
