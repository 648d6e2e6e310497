"""A compositor that asks widgets only for the rows that changed.

Textual asks every widget on the screen for all of its rows in each frame, which costs a model that
writes hundreds of tokens a second more than drawing what is new. Must never show anything else
than textual's own, which it replaces only where that has the parts that it builds on.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

_OVERRIDDEN = ("render_partial_update", "_get_renders")

_Renders = Iterable[tuple[Region, Region, list[Strip]]]


def compositor() -> Compositor:
    """Return a new compositor for a screen: textual's own where that works in another way."""
    own = Compositor()
    is_known = all(hasattr(own, name) for name in (*_OVERRIDDEN, "_dirty_regions"))
    return ChangedRows() if is_known else own


class ChangedRows(Compositor):
    """Draws a frame from the widgets in front, and of them from the rows that changed."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: tuple[Region, ...] = ()

    def render_partial_update(self) -> ChopsUpdate | None:
        """Render what is dirty; see ``Compositor``."""
        self._changed = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = ()

    def _get_renders(self, crop: Region | None = None) -> _Renders:
        """Yield a widget's region, what of it is wanted, and those rows, front to back."""
        if not self._changed:
            yield from super()._get_renders(crop)
            return
        uncovered = self._changed
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            touched = [one for one in uncovered if one.overlaps(seen)]
            if not touched:
                continue
            first = max(seen.y, min(one.y for one in touched))
            last = min(seen.bottom, max(one.bottom for one in touched))
            rows = Region(seen.x, first, seen.width, last - first)
            yield region, rows, widget.render_lines(rows.translate(-region.offset))
            uncovered = tuple(one for one in uncovered if not seen.contains_region(one))
            if not uncovered:
                return
