"""Prompt, settings and model to an iterator of steps: the engine, and the ways to choose a token.

Must never load a model, start a thread, or choose otherwise than ``generate()`` would.
"""
