"""Why a step went as it went, what other settings would have done, what a given text costs.

Must never run a model but over a text that is there already, nor alter what was recorded.
"""
