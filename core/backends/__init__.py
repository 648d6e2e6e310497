"""Where steps come from (``base`` is the contract), and the threads that bring them.

Must never touch a widget, nor import torch before a model is asked for.
"""
