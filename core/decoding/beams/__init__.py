"""Beam search and beam sampling: which texts live on, which end, which are given up.

Must never rank otherwise than ``generate()`` does.
"""
