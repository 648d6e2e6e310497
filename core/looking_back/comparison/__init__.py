"""Runs side by side on one prompt: what each column is, how they differ, where and why they part.

Must never run a model nor import torch: all is told from the records of the runs.
"""
