"""The page of what could be said: every text that a preset could write, likeliest first.

Must never wait for the model.
"""
