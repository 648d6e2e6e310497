"""A vertical scroll bar that looks like textual's, drawn only when it would look different.

Textual draws all of a bar anew for every line that a text grows by, one cell after the other, which
takes as long as the text itself. Must never be a bar of its own: look and mouse are textual's.
"""

from __future__ import annotations

from typing import Self

from rich.segment import Segment
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from tui.terminal.drawn_lines import drawn_lines

_Look = tuple[object, ...]


class DrawnScrollBar(ScrollBar):
    """Draws its cells at once, and keeps them as long as they stay the same."""

    _asked: _Look | None = None
    _drawn: _Look | None = None
    _strips: tuple[Strip, ...] = ()

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Ask to be drawn, unless the bar would look as it was last asked for."""
        look = self._look()
        if look == self._asked and not (layout or recompose):
            return self
        self._asked = look
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Forget the old theme's colours."""
        super().notify_style_update()
        self._asked = self._drawn = None

    def render_line(self, y: int) -> Strip:
        """Return one cell of the bar."""
        return self._strips[y]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the cells in ``crop``, drawn before or now."""
        look = self._look()
        if look != self._drawn:
            self._drawn = look
            self._draw()
        return drawn_lines(self, crop)

    def _look(self) -> _Look:
        """Return all that the bar's cells depend on, beside the theme."""
        length, window = self.window_virtual_size, self.window_size
        thumb = (length, window, self.position) if window < length else None
        return thumb, self.size, self.mouse_over, self.grabbed is None

    def _draw(self) -> None:
        width, height = self.size
        console = self.app.console
        options = console.options.update(width=width, height=height)
        cells = [one for one in console.render(self.render(), options) if one.text != "\n"]
        # Cells that are one and the same become the same strip, which textual works on but once.
        strips = {id(one): self._strip(one) for one in cells}
        self._strips = tuple(strips[id(one)] for one in cells)

    def _strip(self, cell: Segment) -> Strip:
        base = self.visual_style.rich_style
        style = base if cell.style is None else base + cell.style
        return Strip([Segment(cell.text, style)], self.size.width)
