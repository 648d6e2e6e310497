"""Where a model runs: what this machine has, and what fits.

Must never look at a device that nobody asked for.
"""
