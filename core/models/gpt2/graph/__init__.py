"""A decoding step on a GPU, recorded once as a CUDA graph and then replayed.

Must never replay over tensors that have moved.
"""
