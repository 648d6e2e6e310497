"""What models are known to answer, and a model held against it.

Must never load a model.
"""
