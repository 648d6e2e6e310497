"""Lines that a widget has drawn, handed to textual without its own cache between.

Only for widgets without border and padding: textual's cache, which is emptied at every scroll, has
nothing to add there. Must never draw a line itself.
"""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


def drawn_lines(widget: Widget, crop: Region) -> list[Strip]:
    """Return the lines of ``widget`` in ``crop``, with the app's filters applied."""
    strips = [widget.render_line(y) for y in crop.line_range]
    background = widget.background_colors[1]
    for line_filter in widget.get_line_filters():
        strips = [strip.apply_filter(line_filter, background) for strip in strips]
    if crop.column_span != (0, widget.size.width):
        strips = [strip.crop(*crop.column_span) for strip in strips]
    return strips
