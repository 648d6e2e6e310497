"""How a key is written for a person.

Must never decide what a key does.
"""

from __future__ import annotations

import re

from core.text.visible import visible

CHARACTERS = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "minus": "-",
    "plus": "+",
}
"""Characters by textual's names of their keys."""

_SIGNS = {
    **CHARACTERS,
    "escape": "esc",
    "enter": "⏎",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "backspace": "⌫",
    "delete": "del",
    "pageup": "pgup",
    "pagedown": "pgdn",
}
_WORDS = {"escape": "Esc", "enter": "Enter"}
_FUNCTION_KEY = re.compile(r"f\d+")


def key_name(key: str) -> str:
    """Return ``key`` as a person reads it: ``F1``, ``⇧F1``, ``^g``, ``⏎``, or nothing."""
    return _named(key, _SIGNS).replace("ctrl+", "^").replace("shift+", "⇧")


def told_key(key: str) -> str:
    """Return ``key`` as it stands in a sentence: ``F9``, ``ctrl+l``, ``Esc``."""
    return _named(key, {**_SIGNS, **_WORDS})


def _named(key: str, names: dict[str, str]) -> str:
    parts = visible(key, keep="").split("+")
    return "+".join(
        part.upper() if _FUNCTION_KEY.fullmatch(part) else names.get(part, part) for part in parts
    )
