"""Rows of styled text that change often: only rows that differ are drawn again.

Must never put text through markup. A row is cut at the widget's width, never wrapped; borders and
padding belong to the widget around it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style as TextualStyle
from textual.widget import Widget

from tui.common.step_rows import Row
from tui.terminal.drawn_lines import drawn_line, drawn_lines


class LinesView(Widget):
    """Draws rows without measuring, wrapping or laying out anything."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}
        self._rich_styles: dict[str, Style] = {}

    @property
    def plain(self) -> str:
        """The rows as they stand, without styles."""
        return "\n".join("".join(text for text, _ in row) for row in self._rows)

    def update_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows``, drawing those that differ from the ones before."""
        old, self._rows = self._rows, list(rows)
        width = self.size.width
        changed: list[Region] = []
        for y in range(max(len(old), len(self._rows))):
            if self._row(y) != (old[y] if y < len(old) else []):
                self._strips.pop(y, None)
                changed.append(Region(0, y, width, 1))
        if changed:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """Cut the rows anew."""
        self._strips.clear()

    def notify_style_update(self) -> None:
        """Forget everything drawn in the old colours."""
        super().notify_style_update()
        self._strips.clear()
        self._rich_styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        strip = self._strips.get(y)
        if strip is None:
            parts = [(text, self._rich_style(style)) for text, style in self._row(y)]
            strip = drawn_line(parts, self.size.width, self._rich_style(""))
            self._strips[y] = strip
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the rows in ``crop``, drawn before or now."""
        return drawn_lines(self, crop)

    def _row(self, y: int) -> Row:
        return self._rows[y] if y < len(self._rows) else []

    def _rich_style(self, style: str) -> Style:
        rich_style = self._rich_styles.get(style)
        if rich_style is None:
            wanted = self.visual_style + TextualStyle.parse(style) if style else self.visual_style
            rich_style = self._rich_styles[style] = wanted.rich_style
        return rich_style
