"""Prompt, settings and model to an iterator of steps: what is read anew, how a token is chosen.

Must never load a model, start a thread, or choose otherwise than ``generate()`` would.
"""
