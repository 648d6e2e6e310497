"""The one exception that a person is meant to read.

Must never carry a traceback to the screen: whoever catches one shows a sentence and nothing else.
"""

from __future__ import annotations


class PlaygroundError(Exception):
    """Something the user can mend: one sentence that says what, where and what to do."""
