"""The page of the tree of runs, and two runs side by side.

Must never change the document itself.
"""
