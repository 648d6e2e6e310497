"""The page of two presets side by side: what they set differently, and what each makes of a step.

Must never pick a preset or turn a setting: whoever opens the page does.
"""
