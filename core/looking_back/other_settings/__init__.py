"""What other settings and presets would have made of a finished run, at every step at once.

Must never run a model, nor guess: what a shortcut leaves open is computed in full.
"""
