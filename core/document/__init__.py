"""What has been written: turns, sessions, conversations, and the tree of all runs.

Must never import torch, nor encode or decode text.
"""
