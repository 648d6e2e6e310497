"""What is known of every setting: its range, what it does, its formula and where it comes from.

Must never import torch or transformers, nor say of a setting what the program does not hold to.
"""
