"""Models fetched from a hub into the Hugging Face cache, and found there.

Must never fetch what could run code, nor leave something half done that looks done.
"""
