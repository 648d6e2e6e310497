"""What of the document a person has marked with the mouse, as text to be copied.

Must never look at a widget. What the app itself writes between the runs is no text of the document.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.selection import Selection

from tui.prose.lines import Line, Piece
from tui.prose.turn import FAILURE, MARK, SPECIAL

NOT_OF_THE_TEXT = frozenset((MARK, SPECIAL, FAILURE))
"""The kinds of pieces that the app writes for the person who reads."""


def marked_text(lines: Iterable[Line], selection: Selection) -> str:
    """Return the marked part of ``lines``, without the line breaks that only the screen needs."""
    parts: list[str] = []
    for y, line in enumerate(lines):
        span = selection.get_span(y)
        if span is not None:
            parts.extend(_within(line, *span))
    return "".join(parts)


def plain_text(pieces: Iterable[Piece]) -> str:
    """Return the text of ``pieces`` without what the app itself wrote."""
    return "".join(piece.text for piece in pieces if piece.kind not in NOT_OF_THE_TEXT)


def _within(line: Line, start: int, end: int) -> Iterable[str]:
    """Yield what of a line stands from ``start`` up to ``end``, or its end where that is -1."""
    position = 0
    for piece in line:
        first, last = position, position + len(piece.text)
        position = last
        if piece.kind in NOT_OF_THE_TEXT:
            continue
        until = last if end == -1 else min(last, end)
        if max(first, start) < until:
            yield piece.text[max(first, start) - first : until - first]
