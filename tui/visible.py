"""Text from a model made safe and legible: what would act on a terminal is spelled out instead.

Must never return a control character, a lone surrogate or a mark that changes the reading
direction, and never interprets markup. Plain text in, plain text out.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

from core.visible import visible

NEWLINE = "⏎"
SPACE = "·"
TAB = "⇥"
ELLIPSIS = "…"
SPECIAL_TOKEN = "∎"  # noqa: S105 - a sign, no secret
"""Stands for a special token, which is no text: whatever its name is."""

_KEPT_FORMAT_CHARACTERS = "\u200d"  # joins emoji: taken apart, a family becomes three strangers
_LONGEST_LABEL = 200


def visible_prose(text: str) -> str:
    """Return ``text`` as it may stand in running prose: newlines stay, tabs become spaces."""
    if text.isprintable():
        return text
    return visible(text, keep="\n\t").replace("\t", "    ")


def visible_token(text: str) -> str:
    """Return one token's text with its white space shown, for a table of candidates."""
    if len(text) > _LONGEST_LABEL:
        text = text[:_LONGEST_LABEL] + ELLIPSIS
    if not text:
        return "∅"
    shown = visible(text, keep="\n\t").replace("\n", NEWLINE).replace("\t", TAB)
    shown = "".join(_spelled_out(character) for character in shown).replace(" ", SPACE)
    return "◌" + shown if cell_len(shown[0]) == 0 else shown


def fit(text: str, width: int) -> str:
    """Return ``text`` cut or padded to exactly ``width`` cells; a cut is marked."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length <= width:
        return text + " " * (width - length)
    return _head(text, width - 1) + ELLIPSIS + " " * _missing(text, width - 1)


def fit_tail(text: str, width: int) -> str:
    """Return the end of ``text`` in at most ``width`` cells; a cut is marked."""
    if cell_len(text) <= width:
        return text
    kept: list[str] = []
    room = width - 1
    for character in reversed(text):
        room -= cell_len(character)
        if room < 0:
            break
        kept.append(character)
    return ELLIPSIS + "".join(reversed(kept))


def _head(text: str, width: int) -> str:
    kept: list[str] = []
    for character in text:
        width -= cell_len(character)
        if width < 0:
            break
        kept.append(character)
    return "".join(kept)


def _missing(text: str, width: int) -> int:
    return width - cell_len(_head(text, width))


def _spelled_out(character: str) -> str:
    """Return ``character``, or its code where it would take no space or have no shape."""
    if character.isprintable() or character in _KEPT_FORMAT_CHARACTERS:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
