"""What the next run is made with: the presets, the one that is picked, and its settings.

Must never start a run.
"""
