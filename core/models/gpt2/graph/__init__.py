"""A decoding step on a GPU: recorded once, then replayed.

Must never replay over tensors that have moved.
"""
