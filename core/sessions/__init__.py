"""Sessions on the disk: what happens, written down as it happens, read again and gone on with.

Must never import torch, overwrite a file that it cannot read, or make a run wait for a disk.
"""
