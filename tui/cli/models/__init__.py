"""Commands for models: fetched, looked into, held against what they are known to answer.

Must never load a library before a model's name has been found to mean one.
"""
