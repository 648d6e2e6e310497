"""What settings could write from a place on: every text, likeliest first, with its probability.

Must never choose a token, nor draw one; and what is generated afterwards is the same as without it.
"""
