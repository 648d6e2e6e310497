"""Sections one below the other on a page that scrolls both ways.

Must never wrap a line: the tree and the configuration keep their shape.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from tui.common.rows_view import RowsView
from tui.common.step_rows import DIM, Row
from tui.models.report_rows import Section


class ReportView(RowsView):
    """Titles with their rows; it knows which section is looked at."""

    class Moved(Message):
        """Another section is looked at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._starts: list[int] = []
        self._jumped = 0

    def show_sections(self, sections: Sequence[Section]) -> None:
        """Show ``sections`` from the first on."""
        rows: list[Row] = []
        self._starts = []
        for section in sections:
            self._starts.append(len(rows))
            title = (section.title or section.name).upper()
            rows += [[(title, "bold $text-primary")], *section.rows, []]
        self.show_rows(rows[:-1] or [[("nothing", DIM)]])
        self.jump(0)

    @property
    def current(self) -> int:
        """The index of the section that is looked at: the one jumped to, else the topmost."""
        top = self.scroll_offset.y
        if self._starts and top == min(self._starts[self._jumped], self.max_scroll_y):
            return self._jumped
        return max((at for at, start in enumerate(self._starts) if start <= top), default=0)

    def jump(self, index: int) -> None:
        """Scroll to section ``index``; one that is not there is not jumped to."""
        if index < len(self._starts):
            self._jumped = index
            self.scroll_to(0, self._starts[index], animate=False, force=True)
            self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that another section may be looked at."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())
