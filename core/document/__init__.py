"""What has been written: the document with its turns and conversations, and the tree of all runs.

Must never import torch, nor encode or decode text.
"""
