"""Rows of styled text that change often.

Must never put text through markup. A row is cut at the widget's width, never wrapped, and no change
lays anything out: borders and padding belong to the widget around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from tui.common.step_rows import Row, lines


class LinesView(Widget):
    """Draws rows as one text."""

    DEFAULT_CSS: ClassVar[str] = "LinesView { text-wrap: nowrap; text-overflow: clip; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._rows: list[Row] = []

    @property
    def plain(self) -> str:
        """The rows as they stand, without styles."""
        return lines(self._rows).plain

    def update_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows``, if they differ from the ones before."""
        if list(rows) != self._rows:
            self._rows = list(rows)
            self.refresh()

    def render(self) -> Content:
        """Return the rows as one text."""
        return lines(self._rows)
