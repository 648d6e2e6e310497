"""The names of a page's sections in one line, with the key that jumps to each.

Must never lay anything out: it draws one line.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten

_GAP = "  "
_MARGIN = " "


class SectionBar(LinesView):
    """Numbered names, the current one set off; a click picks one."""

    class Picked(Message):
        """A person clicked the name of section ``index``."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()

    def show(self, names: Sequence[str], current: int) -> None:
        """Draw ``names``, of which ``current`` is looked at."""
        self._names = tuple(names)
        row: Row = [(_MARGIN, "")]
        for index, name in enumerate(self._names):
            style = f"bold underline {CHOSEN}" if index == current else NUMBER
            row += [(_GAP if index else "", ""), (f"{index + 1} ", DIM), (name, style)]
        self.update_rows([shorten(row, self.size.width)])

    def on_click(self, event: events.Click) -> None:
        """Tell which name was clicked."""
        end = len(_MARGIN)
        for index, name in enumerate(self._names):
            start = end + (len(_GAP) if index else 0)
            end = start + cell_len(f"{index + 1} {name}")
            if start <= event.x < end:
                self.post_message(self.Picked(index))
