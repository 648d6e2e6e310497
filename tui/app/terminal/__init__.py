"""The terminal itself: its driver, its streams, how often it is painted.

Must never leave a terminal as the app had it.
"""
