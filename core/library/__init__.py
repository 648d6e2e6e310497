"""What ``from core import …`` gives to a notebook or a script: a handful of names over the rooms.

Must never decide anything that a room below decides, nor import torch before a model is loaded.
"""
