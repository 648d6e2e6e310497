"""The page of the tree of runs, and of two runs side by side.

Must never change the document itself.
"""
