"""How a key is written for a person.

Must never decide what a key does.
"""

from __future__ import annotations

import re

from tui.visible import visible_prose

_FUNCTION_KEY = re.compile(r"f\d+")


def key_name(key: str) -> str:
    """Return a preset's ``key`` as a person reads it: ``F1``, ``⇧F1``, ``^g``, or nothing."""
    parts = visible_prose(key).split("+")
    named = [part.upper() if _FUNCTION_KEY.fullmatch(part) else part for part in parts]
    return "+".join(named).replace("ctrl+", "^").replace("shift+", "⇧")
