"""The keys that can pick a preset: their one spelling, and those that the app needs itself.

Must never import a user interface: a presets file is checked without one.
"""

from __future__ import annotations

import re

RESERVED_KEYS: frozenset[str] = frozenset(
    (
        *("enter", "escape", "tab", "shift+tab", "space", "backspace", "delete", "insert"),
        *("left", "right", "up", "down", "home", "end", "pageup", "pagedown"),
        # the prompt's editing keys
        *("ctrl+a", "ctrl+d", "ctrl+e", "ctrl+f", "ctrl+k", "ctrl+u", "ctrl+v", "ctrl+w", "ctrl+x"),
        "ctrl+shift+k",
        *("f9", "f10", "f11", "f12"),  # why, the prompt's tokens, the inspector, help
        # leaving, clearing, models, the palette, the tint; undo is ctrl+z, below
        *("ctrl+c", "ctrl+l", "ctrl+n", "ctrl+o", "ctrl+p", "ctrl+q", "ctrl+t", "ctrl+y"),
        *("ctrl+b", "ctrl+r", "ctrl+s"),  # branches, steps by hand, saving
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


def normalized_key(key: str) -> str:
    """Return ``key`` in its one spelling: lower case, modifiers in order (``ctrl+shift+f1``).

    Raises:
        ValueError: It cannot pick a preset; the message goes on from the key's name.
    """
    *modifiers, base = [part.strip() for part in key.strip().lower().replace("-", "+").split("+")]
    base = _OTHER_NAMES.get(base, base)
    known = sorted({_MODIFIERS.get(modifier, modifier) for modifier in modifiers})
    name = "+".join([*known, base])
    is_function = _FUNCTION_KEY.fullmatch(base) is not None
    if name in RESERVED_KEYS or (base in RESERVED_KEYS and not is_function):
        raise ValueError("is a key that the app needs itself")
    if len(base) == 1 and not {"alt", "ctrl"} & set(known):
        raise ValueError("is a character that belongs to the prompt")
    whole = is_function or (len(base) == 1 and _LETTER_OR_DIGIT.match(base))
    if not whole or not set(known) <= set(_MODIFIERS.values()):
        raise ValueError("is no key that can pick a preset")
    return name
