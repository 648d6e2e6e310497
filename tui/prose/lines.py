"""Soft-wrapped prose that grows at its end: a list of lines made of styled pieces.

Must never look at a widget or a colour. A line that is followed by another never changes, so
adding text costs what is added and one line, however long the document is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len

from core.text.visible import marks_behind
from tui.common.visible import visible_prose

_CHUNKS = re.compile(
    r"\n| +|[\u2e80-\u9fff\uac00-\ud7af\uff00-\uff60]"  # these scripts may break anywhere
    r"|[^\n \u2e80-\u9fff\uac00-\ud7af\uff00-\uff60]+"
)


class Piece(NamedTuple):
    """A stretch of text drawn in one style.

    ``kind`` names the style; ``step`` is the position of the step that wrote it, -1 for none.
    """

    text: str
    kind: str
    step: int = -1


Line = list[Piece]


class Prose:
    """Lines of at most ``width`` cells (one space may hang over the edge), after ``begun``."""

    def __init__(self, width: int, begun: Line | None = None) -> None:
        self.width = max(1, width)
        self.lines: list[Line] = [list(begun or ())]
        self._marks = 0
        """How many marks stand on the last letter, drawn or not."""

    def append(self, pieces: Iterable[Piece]) -> int:
        """Add text at the end; return the first line that has changed."""
        first = len(self.lines) - 1
        last = self.lines.pop()
        wrapper = _Wrapper(self.width)
        for piece in last:
            wrapper.add(piece, piece.text)
        for piece in pieces:
            wrapper.add(piece, visible_prose(piece.text, self._marks))
            self._marks = marks_behind(piece.text, self._marks)
        self.lines.extend(wrapper.finish())
        return first

    def mark(self) -> tuple[int, Line, int]:
        """Return a place to come back to with ``rewind``."""
        return len(self.lines), list(self.lines[-1]), self._marks

    def rewind(self, mark: tuple[int, Line, int]) -> None:
        """Forget everything added since ``mark``."""
        count, last, self._marks = mark
        del self.lines[count:]
        self.lines[-1] = list(last)


class _Wrapper:
    """Breaks pieces into lines; a word may run over several pieces."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lines: list[Line] = []
        self._line: Line = []
        self._column = 0
        self._word: Line = []
        self._word_width = 0

    def add(self, piece: Piece, text: str) -> None:
        if not text:
            return
        for chunk in _CHUNKS.findall(text):
            if chunk == "\n":
                self._end_word()
                self._line.append(_part(piece, "\n"))
                self._end_line()
            elif chunk[0] == " ":
                self._end_word()
                self._add_spaces(piece, len(chunk))
            else:
                if chunk[0] >= "\u2e80":
                    self._end_word()
                self._add_to_word(piece, chunk)

    def finish(self) -> list[Line]:
        self._end_word()
        self._lines.append(self._line)
        return self._lines

    def _add_to_word(self, piece: Piece, chunk: str) -> None:
        width = cell_len(chunk)
        if self._word_width + width <= self._width:
            self._word.append(_part(piece, chunk))
            self._word_width += width
            return
        for character in chunk:  # longer than a line: broken where the edge is
            width = cell_len(character)
            if self._word_width + width > self._width:
                self._end_word()
            self._word.append(_part(piece, character))
            self._word_width += width

    def _end_word(self) -> None:
        if not self._word:
            return
        if self._column and self._column + self._word_width > self._width:
            self._end_line()
        self._line.extend(_joined(self._word))
        self._column += self._word_width
        self._word = []
        self._word_width = 0

    def _add_spaces(self, piece: Piece, count: int) -> None:
        while count:
            if self._column > self._width:
                self._end_line()
            room = self._width + 1 - self._column  # one space may hang
            taken = min(count, room) if count > 1 else 1
            self._line.append(_part(piece, " " * taken))
            self._column += taken
            count -= taken

    def _end_line(self) -> None:
        self._lines.append(self._line)
        self._line = []
        self._column = 0


def _part(piece: Piece, text: str) -> Piece:
    return piece if text == piece.text else Piece(text, piece.kind, piece.step)


def _joined(pieces: Line) -> Line:
    """Return ``pieces`` with neighbours of one kind and step put together."""
    if len(pieces) == 1:
        return pieces
    joined: Line = []
    for piece in pieces:
        if joined and joined[-1][1:] == piece[1:]:
            joined[-1] = piece._replace(text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined
