"""Why a step went as it went, and what other settings would have made of it.

Must never run a model but to score a text, nor alter what was recorded.
"""
