"""The page of scrubbing: settings moved over a finished run, and what they would have changed.

Must never run a model, nor compute on the app's thread.
"""
