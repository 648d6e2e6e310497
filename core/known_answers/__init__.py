"""A model held against what it is known to answer.

Must never load a model.
"""
