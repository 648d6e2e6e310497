"""The lines of a whole document: those of its turns, one under the other.

Must never look at a widget or a colour.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from core.document.document import Document
from tui.prose.lines import Line
from tui.prose.turn import TurnProse, View


class DocumentProse:
    """Keeps the wrapped lines of a document up to date with its turns."""

    def __init__(self) -> None:
        self._turns: list[TurnProse] = []
        self._starts: list[int] = []  # the first line of each turn

    def __iter__(self) -> Iterator[Line]:
        """Yield every line once: where a turn flows on, its first is the last of the one before."""
        for index, turn in enumerate(self._turns):
            is_continued = index + 1 < len(self._turns) and self._turns[index + 1].flows_on
            yield from turn.lines[: len(turn.lines) - is_continued]

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return self._starts[-1] + len(self._turns[-1].lines) if self._turns else 0

    def line(self, y: int) -> Line:
        """Return line ``y``, which is empty where there is none."""
        if not 0 <= y < self.line_count:
            return []
        index = bisect_right(self._starts, y) - 1
        return self._turns[index].lines[y - self._starts[index]]

    def line_of(self, step: int) -> int | None:
        """Return on which line the text of ``step`` begins, ``None`` where it has none."""
        for index in range(len(self._turns) - 1, -1, -1):
            for number, line in enumerate(self._turns[index].lines):
                if any(piece.step == step for piece in line):
                    return self._starts[index] + number
        return None

    def clear(self) -> None:
        """Forget all lines, to be broken anew."""
        self._turns, self._starts = [], []

    def sync(self, document: Document, width: int) -> int | None:
        """Update every turn's lines; return the first changed line, ``None`` where none has.

        Turns that are new are wrapped at ``width`` cells.
        """
        turns = document.turns
        changed: int | None = None
        same = 0
        while same < min(len(turns), len(self._turns)) and turns[same] is self._turns[same].turn:
            same += 1
        if same < len(self._turns):
            changed = self._starts[same]
            del self._turns[same:], self._starts[same:]
        line = position = 0
        for index, turn in enumerate(turns):
            if index == len(self._turns):
                before = self._turns[-1] if self._turns else None
                prose = TurnProse(turn, first_step=position, before=before, width=width)
                self._turns.append(prose)
                self._starts.append(line)
                changed = line if changed is None else changed
            count = len(turn.steps)
            prose = self._turns[index]
            if prose.flows_on:
                line -= 1
            looked_at = document.cursor is not None and 0 <= document.cursor - position < count
            view = View((document.cursor or 0) - position if looked_at else None)
            self._starts[index] = line
            first = prose.sync(view)
            if first is not None and (changed is None or line + first < changed):
                changed = line + first
            line += len(prose.lines)
            position += count
        return changed
