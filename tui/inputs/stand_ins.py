"""What an input keeps and cannot draw: in the widget, a private character stands for each such one.

Textual splits lines at characters that are none, and would write others to the terminal. Must never
alter a text: what was put in comes out to the letter.
"""

from __future__ import annotations

from core.text.visible import unstacked
from tui.common.visible import NEWLINE, TAB, visible_prose

_FIRST, _MOST = 0x100000, 0xFFFE  # Unicode's last private area, whose own characters get one too
_CONTROL_PICTURES = 0x2400
_UNDRAWN = "▯"

_exact: dict[int, str] = {}
_drawn: dict[int, str] = {}
_stand_ins: dict[str, str] = {}


class _Safe(dict[int, str]):
    """For ``str.translate``: a character, or what stands for it; ``kept`` stay as they are."""

    def __init__(self, kept: str) -> None:
        super().__init__()
        self._kept = kept

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_safe = character in self._kept or visible_prose(character) == character != "\n"
        self[code] = character if is_safe else _stand_in(character)
        return self[code]


_IN_LINES, _IN_ONE_LINE = _Safe("\n\t"), _Safe("")


def safe(text: str) -> str:
    """Return ``text`` as an input of several lines may hold it, as long as it is."""
    return _safe(text, _IN_LINES)


def safe_line(text: str) -> str:
    """Return ``text`` as an input of one line may hold it; its line ends are characters there."""
    return _safe(text, _IN_ONE_LINE)


def _safe(text: str, table: _Safe) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(table)
    return text if text.isascii() else unstacked(text, _stand_in)


def exact(text: str) -> str:
    """Return the text for which an input holds ``text``."""
    return text.translate(_exact)


def drawn(text: str) -> str:
    """Return what to draw for what an input holds, one cell for each that stands for another."""
    return text.translate(_drawn)


def _stand_in(character: str) -> str:
    if character not in _stand_ins:
        if len(_stand_ins) == _MOST:
            return "\ufffd"
        code = _FIRST + len(_stand_ins)
        _stand_ins[character] = chr(code)
        _exact[code], _drawn[code] = character, _picture(character)
    return _stand_ins[character]


def _picture(character: str) -> str:
    if character in "\n\t":
        return NEWLINE if character == "\n" else TAB
    return chr(_CONTROL_PICTURES + ord(character)) if character < " " else _UNDRAWN
