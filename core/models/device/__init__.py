"""Which processor or GPU runs a model, and in which dtype: what this machine has, and what fits.

Must never look at a device that nobody asked for.
"""
