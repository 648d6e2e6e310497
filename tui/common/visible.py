"""Text from a model made safe and legible: what would act on a terminal is spelled out instead.

Must never return a control character, a lone surrogate, a mark that changes the reading direction,
what is not seen or what has no known width, and never interprets markup. Plain text in, plain text
out.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len
from wcwidth import wcswidth, wcwidth

from core.text.visible import SPECIAL_TOKEN, spelled_out, visible

NEWLINE = "⏎"
SPACE = "·"
TAB = "⇥"
ELLIPSIS = "…"

_WIDER_THAN_TOLD = re.compile("[\u2e3a\u2e3b\ua9c5\ufdfa-\ufdfd\U00012000-\U0001254f]")
"""Ligatures, long dashes and cuneiform: a cell or two by every table, many in ink."""

_LONGEST_LABEL = 200
_LETTER = "a"


def visible_prose(text: str, marks: int = 0) -> str:
    """Return ``text`` as it may stand in running prose: newlines stay, tabs become spaces.

    ``marks`` stand on the letter before it.
    """
    if text.isascii() and text.isprintable():
        return text
    return visible(text, "\n\t", marks).replace("\t", "    ").translate(_DRAWN)


def visible_token(text: str) -> str:
    """Return one token's text with its white space shown, for a table of candidates."""
    if len(text) > _LONGEST_LABEL:
        text = text[:_LONGEST_LABEL] + ELLIPSIS
    if not text:
        return "∅"
    shown = visible(text, keep="\n\t").replace("\n", NEWLINE).replace("\t", TAB)
    shown = "".join(" " if one.isspace() else one for one in shown.translate(_DRAWN))
    shown = shown.replace(" ", SPACE)
    return "◌" + shown if cell_len(shown[0]) == 0 else shown


def with_mark(text: str, name: str) -> str:
    """Return ``text``, which ends with a special token's ``name``, with its mark instead."""
    return text.removesuffix(name) + SPECIAL_TOKEN


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


class _Drawn(dict[int, str]):
    """For ``str.translate``: what is drawn for a character, looked at when it first comes."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = character if _has_known_width(character) else spelled_out(character)
        return self[code]


def _has_known_width(character: str) -> bool:
    """Whether the layout, which measures as rich does, and terminals take it for equally wide."""
    if character.isascii():
        return True
    category, width = unicodedata.category(character), wcwidth(character)
    if category in ("Co", "Cn") or _WIDER_THAN_TOLD.match(character):
        return False
    if cell_len(character) != width or (width == 0 and category == "Cf"):
        return False
    # A vowel sign as of Hindi takes a cell of its own in terminals, which shows behind a letter.
    return category != "Mc" or cell_len(_LETTER + character) == wcswidth(_LETTER + character)


_DRAWN = _Drawn()
