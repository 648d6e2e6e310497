"""Prompt, settings and model to steps, one by one: what the cache keeps, how a token is chosen.

Must never load a model, start a thread, or choose otherwise than ``generate()`` would.
"""
