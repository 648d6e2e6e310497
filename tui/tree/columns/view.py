"""One column on the screen: its text, where it parts from the baseline, what it weighed.

Must never decide where one looks: the playground does.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from core.playground.looking.beside import Beside
from tui.common.lines_view import LinesView
from tui.common.visible import visible_prose
from tui.prose.view import ProseView
from tui.tree.columns.rows import (
    candidate_rows,
    entropy_row,
    parting_rows,
    pieces_of,
    settings_row,
    status_row,
    title_of,
)


class ColumnView(Vertical):
    """Draws column ``at`` of what stands side by side."""

    class Clicked(Message):
        """A person clicked the column, or the token of step ``step`` in it, -1 for none."""

        def __init__(self, column: int, step: int) -> None:
            super().__init__()
            self.column = column
            self.step = step

    def __init__(self, at: int) -> None:
        super().__init__(classes="column")
        self.at = at
        self._drawn: tuple[object, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay the column out."""
        yield _lines("status")
        yield ProseView()
        yield _lines("parting")
        yield _lines("entropy")
        yield _lines("candidates")

    @property
    def text(self) -> ProseView:
        """The column's text."""
        return self.query_one(ProseView)

    def show(self, beside: Beside) -> None:
        """Draw the column as it stands."""
        column = beside.columns[self.at]
        chosen, cursor = column.chosen(), beside.cursor(self.at)
        divergence = beside.divergence(self.at)
        same = beside.same(self.at) if self.at else -1
        self.border_title = Content(visible_prose(title_of(beside, self.at)))
        self.set_class(beside.focused == self.at, "-focused")
        width = self.text.size.width
        drawn = (len(chosen), chosen[-1:], cursor, same, column.finished, width)
        if drawn != self._drawn:
            self._drawn = drawn
            step = -1 if cursor is None else cursor
            self.text.show(pieces_of(column, chosen, same), step, follows=cursor is None)
        for name, rows in (
            ("status", [status_row(column, width), settings_row(beside, self.at, width)]),
            (
                "parting",
                parting_rows(beside, self.at, divergence, width, self._lines_of("parting")),
            ),
            ("entropy", [entropy_row(chosen, cursor, width)]),
            ("candidates", candidate_rows(chosen, cursor, width, self._lines_of("candidates"))),
        ):
            self.query_one(f".column-{name}", LinesView).update_rows(rows)

    def _lines_of(self, name: str) -> int:
        return max(1, self.query_one(f".column-{name}").size.height)

    @on(ProseView.Clicked)
    def _token_clicked(self, event: ProseView.Clicked) -> None:
        event.stop()
        self.post_message(self.Clicked(self.at, event.step))

    def on_click(self, event: events.Click) -> None:
        """Tell that it was clicked."""
        self.post_message(self.Clicked(self.at, -1))


def _lines(name: str) -> LinesView:
    view = LinesView()
    view.add_class(f"column-{name}")
    return view
