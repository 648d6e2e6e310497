"""The page of sessions: what was kept, which one is at hand, and the way to any other.

Must never open, write or delete a session itself: whoever opens the page says what that does.
"""
