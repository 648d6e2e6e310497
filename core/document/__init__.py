"""What has been written: the document, its turns and conversation, and the tree of all runs.

Must never import torch, nor encode or decode text: token ids are kept as they were generated.
"""
