"""Many rows of styled text that scroll both ways: only those in sight are drawn.

Must never put text through markup, and never wraps: what is wider than the widget scrolls. A
stretch that is marked with the mouse can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style as TextualStyle

from tui.common.marked_line import marked_line
from tui.common.step_rows import Row

COLUMNS_A_KEY = 8
"""How far an arrow key moves sideways."""


class RowsView(ScrollView, can_focus=True):
    """A page of rows, as long and as wide as they are."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._rows: list[Row] = []
        self._rich_styles: dict[str, Style] = {}

    @property
    def plain(self) -> str:
        """The rows as they stand, without styles."""
        return "\n".join(_plain(row).rstrip() for row in self._rows)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show ``rows`` in place of those before; the page stays where it is scrolled to."""
        self._rows = list(rows)
        widest = max((sum(cell_len(text) for text, _ in row) for row in rows), default=0)
        self.virtual_size = Size(widest, len(self._rows))
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget the old theme's colours."""
        super().notify_style_update()
        self._rich_styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one row of those in sight."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        at = y + top
        base = self._rich_style("")
        if at >= len(self._rows):
            return Strip.blank(width, base)
        strip = Strip([Segment(text, self._rich_style(style)) for text, style in self._rows[at]])
        strip = self._marked(strip, at).crop_extend(left, left + width, base)
        return strip.simplify().apply_offsets(left, at)

    def action_scroll_left(self) -> None:
        """Move a few columns to the left."""
        self.scroll_relative(x=-COLUMNS_A_KEY, animate=False)

    def action_scroll_right(self) -> None:
        """Move a few columns to the right."""
        self.scroll_relative(x=COLUMNS_A_KEY, animate=False)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is marked with the mouse."""
        return selection.extract("\n".join(_plain(row) for row in self._rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is marked."""
        self.refresh()

    def _marked(self, strip: Strip, at: int) -> Strip:
        """Return ``strip`` with the marked stretch of row ``at`` set off."""
        selection = self.text_selection
        span = selection.get_span(at) if selection is not None else None
        return marked_line(strip, span, self.screen.get_component_rich_style("screen--selection"))

    def _rich_style(self, style: str) -> Style:
        rich_style = self._rich_styles.get(style)
        if rich_style is None:
            wanted = self.visual_style + TextualStyle.parse(style) if style else self.visual_style
            rich_style = self._rich_styles[style] = wanted.rich_style
        return rich_style


def _plain(row: Row) -> str:
    return "".join(text for text, _ in row)
