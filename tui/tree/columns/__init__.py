"""The page of runs side by side, and the box in which they are chosen.

Must never decide where two runs part, nor why: the playground does.
"""
