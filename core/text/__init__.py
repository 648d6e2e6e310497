"""Text to token ids and back, and what anyone wrote made fit to be shown.

Must never run a model, nor decide what is written.
"""
