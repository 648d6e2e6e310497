"""Settings as dials that turn: their rows, and what they make of a step.

Must never change a setting, nor weigh a step.
"""
