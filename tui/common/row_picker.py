"""Many rows, one of which is picked with the arrow keys or a click: only those in sight are drawn.

Must never put text through markup, and knows nothing of what its rows mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.common.rows_view import RowsView
from tui.common.step_rows import Row

_PICKED = "on $picked"


class RowPicker(RowsView):
    """Rows with one set off; it tells when that is another, and when it is clicked again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "row before", show=False),
        Binding("down", "move(1)", "next row", show=False),
        Binding("pageup", "move_page(-1)", "page up", show=False),
        Binding("pagedown", "move_page(1)", "page down", show=False),
        Binding("home", "first", "first row", show=False),
        Binding("end", "last", "last row", show=False),
    ]

    class Moved(Message):
        """Another row is set off."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Picked(Message):
        """A person clicked the row that was set off already."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Resized(Message):
        """It has another size, for which its rows may have to be drawn anew."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._plain_rows: list[Row] = []
        self.picked = 0

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows``; the place of the one that is set off stays, as far as there is one."""
        self._plain_rows = list(rows)
        self.picked = max(0, min(self.picked, len(rows) - 1))
        super().show_rows(rows)
        self._set_off()

    def pick_row(self, index: int) -> None:
        """Set row ``index`` off, or the nearest there is, and bring it in sight."""
        index = max(0, min(index, len(self._plain_rows) - 1))
        if index != self.picked and self._plain_rows:
            self._rows[self.picked] = self._plain_rows[self.picked]
            self.picked = index
            self._set_off()
            self.refresh()
            self.post_message(self.Moved(index))
        self._bring_in_sight()

    def on_resize(self) -> None:
        """Draw the row that is set off as wide as the widget, and tell whoever draws the rows."""
        self._set_off()
        self.post_message(self.Resized())
        self._bring_in_sight()

    def on_click(self, event: events.Click) -> None:
        """Set a row off; a click on the one that is, picks it."""
        offset = event.get_content_offset(self)
        index = offset.y + self.scroll_offset.y if offset is not None else -1
        if not 0 <= index < len(self._plain_rows):
            return
        if index == self.picked:
            self.post_message(self.Picked(index))
        self.pick_row(index)

    def action_move(self, offset: int) -> None:
        """Set off a row further down, or up."""
        self.pick_row(self.picked + offset)

    def action_move_page(self, pages: int) -> None:
        """Set off a row about a page further down, or up."""
        self.pick_row(self.picked + pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Set off the first row."""
        self.pick_row(0)

    def action_last(self) -> None:
        """Set off the last row."""
        self.pick_row(len(self._plain_rows))

    def _set_off(self) -> None:
        if not self._plain_rows:
            return
        row = self._plain_rows[self.picked]
        room = self.scrollable_content_region.width - sum(cell_len(text) for text, _ in row)
        shown = [*row, (" " * max(0, room), "")]
        self._rows[self.picked] = [(text, f"{style} {_PICKED}".strip()) for text, style in shown]

    def _bring_in_sight(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        nearest = max(min(top, self.picked), self.picked - height + 1)
        if nearest != top:
            self.scroll_to(0, nearest, animate=False, force=True)
