"""Beam search and beam sampling.

Must never run a model: log-probabilities go in, steps come out.
"""
