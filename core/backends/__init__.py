"""Where steps come from: a model here, or a script; and the threads that bring them.

Must never touch a widget, nor import torch before a model is asked for. ``base`` is the contract; a
new source of steps is a file beside ``local``.
"""
