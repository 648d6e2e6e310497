"""A run that was saved, run again: what it takes to ask for the same, and where the two differ.

Must never judge by what a file says of itself alone: each figure is held against a new one.
"""
