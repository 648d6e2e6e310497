"""Why a step went as it went, what other settings would have done, what a given text costs.

Must never run a model but to score a text, nor alter what was recorded.
"""
