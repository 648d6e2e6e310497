"""Keys that are text though Python calls their characters not printable.

Textual's inputs leave those out: the space of Japanese input methods, no-break spaces, joiners.
"""

from __future__ import annotations

import unicodedata

from textual.events import Key, Paste
from textual.keys import key_to_character

_NO_TEXT = ("Cc", "Cs")


def as_text(event: Key) -> Key | Paste:
    """Return ``event``, or as a paste the text that it brings and no input would take."""
    if event.is_printable:
        return event
    character = event.character or key_to_character(event.key) or ""
    is_text = all(unicodedata.category(one) not in _NO_TEXT for one in character)
    return Paste(character) if character and is_text else event
