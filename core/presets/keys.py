"""The keys that can pick a preset: their one spelling, and those that the app needs itself.

Must never import a user interface: a presets file is checked without one.
"""

from __future__ import annotations

import re

_NAMED_KEYS = frozenset(
    (
        *("enter", "escape", "tab", "space", "backspace", "delete", "insert"),
        *("left", "right", "up", "down", "home", "end", "pageup", "pagedown"),
    )
)
EDITING_KEYS: frozenset[str] = frozenset(
    (
        *(_NAMED_KEYS - {"escape", "home", "end", "pageup", "pagedown"}),
        *("shift+tab", "ctrl+a", "ctrl+c", "ctrl+d", "ctrl+e", "ctrl+f", "ctrl+k", "ctrl+shift+k"),
        *("ctrl+u", "ctrl+v", "ctrl+w"),
    )
)
"""What a line of text needs where one is typed."""

INDISTINCT_KEYS: frozenset[str] = frozenset(
    (
        *("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"),  # backspace, tab, newline, enter
        # arrive as reports of the cursor's place
        *("alt+f3", "ctrl+f3", "shift+f3", "alt+ctrl+f3", "alt+shift+f3", "ctrl+shift+f3"),
        "alt+ctrl+shift+f3",
        *(f"{modifier}+{digit}" for modifier in ("ctrl", "alt") for digit in range(10)),
    )
)
"""What common terminals cannot tell from another key, or send as something that is none."""

WHY_INDISTINCT = "is one that terminals cannot tell from another"

RESERVED_KEYS: frozenset[str] = frozenset(
    (
        *_NAMED_KEYS,
        *EDITING_KEYS,
        *("f9", "f10", "f11", "f12"),  # why, the prompt's tokens, the inspector, help
        # leaving, clearing, models, the palette, the tint, the menu; undo is ctrl+z, below
        *("ctrl+l", "ctrl+n", "ctrl+o", "ctrl+p", "ctrl+q", "ctrl+t", "ctrl+x", "ctrl+y"),
        *("ctrl+b", "ctrl+r", "ctrl+s"),  # the tree, steps by hand, saving
        *("alt+s", "alt+n"),  # sessions, and a new one
        *("alt+d", "alt+c", "alt+o"),  # the dials, columns side by side, what could be said
        # what terminals cannot tell from backspace, tab, newline and enter, or keep for themselves
        *("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+z"),
    )
)
"""Keys that no preset can have."""

ALLOWED_KEYS = "f1 to f8, those with shift (shift+f1), or ctrl or alt with a letter"
"""The keys that a preset can have, in words; there are rarer ones."""

_MODIFIERS = {
    "alt": "alt",
    "option": "alt",
    "meta": "alt",
    "ctrl": "ctrl",
    "control": "ctrl",
    "shift": "shift",
}
_OTHER_NAMES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "page_down": "pagedown",
}
_FUNCTION_KEY = re.compile(r"f(?:[1-9]|1[0-9]|2[0-4])")
_LETTER_OR_DIGIT = re.compile(r"[a-z0-9]")


def key_spelling(key: str) -> str:
    """Return ``key`` in its one spelling (``ctrl+shift+f1``), or nothing where it is no key.

    A character by itself is none here: it is typed.
    """
    known, base = _parts(key)
    is_named = base in _NAMED_KEYS or _FUNCTION_KEY.fullmatch(base) is not None
    has_modifier = bool({"alt", "ctrl"} & set(known))
    is_letter = has_modifier and _LETTER_OR_DIGIT.fullmatch(base) is not None
    is_key = (is_named or is_letter) and set(known) <= set(_MODIFIERS.values())
    return "+".join([*known, base]) if is_key else ""


def _parts(key: str) -> tuple[list[str], str]:
    """Return the modifiers of ``key`` in their order, and what they modify."""
    *modifiers, base = [part.strip() for part in key.strip().lower().replace("-", "+").split("+")]
    known = sorted({_MODIFIERS.get(modifier, modifier) for modifier in modifiers})
    return known, _OTHER_NAMES.get(base, base)


def normalized_key(key: str) -> str:
    """Return ``key`` in its one spelling: lower case, modifiers in order (``ctrl+shift+f1``).

    Raises:
        ValueError: It cannot pick a preset; the message goes on from the key's name.
    """
    known, base = _parts(key)
    name = "+".join([*known, base])
    is_function = _FUNCTION_KEY.fullmatch(base) is not None
    if name in RESERVED_KEYS or (base in RESERVED_KEYS and not is_function):
        raise ValueError("is a key that the app needs itself")
    if name in INDISTINCT_KEYS:
        raise ValueError(WHY_INDISTINCT)
    if len(base) == 1 and not {"alt", "ctrl"} & set(known):
        raise ValueError("is a character that belongs to the prompt")
    whole = is_function or (len(base) == 1 and _LETTER_OR_DIGIT.match(base))
    if not whole or not set(known) <= set(_MODIFIERS.values()):
        raise ValueError("is no key that can pick a preset")
    return name
