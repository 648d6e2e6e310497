"""The page of scrubbing: settings turned over a finished run.

Must never run a model, nor compute on the app's thread.
"""
