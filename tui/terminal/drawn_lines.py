"""Lines that a widget has drawn, handed to textual without its own cache between.

Only for widgets without border and padding: textual's cache, which is emptied at every scroll, has
nothing to add there. Must never decide what stands in a line.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
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


def drawn_line(parts: Iterable[tuple[str, Style]], width: int, empty: Style) -> Strip:
    """Return text cut or filled up to ``width`` cells, neighbours of one style object put together.

    All lines without text are one and the same, which textual then has to work on but once.
    """
    runs: list[tuple[str, Style]] = []
    before: Style | None = None
    for text, style in parts:
        if style is before:  # to compare styles takes longer than to draw two
            runs[-1] = (runs[-1][0] + text, style)
        else:
            runs.append((text, style))
            before = style
    if not any(text for text, _ in runs):
        return Strip.blank(width, empty)
    cells = sum(cell_len(text) for text, _ in runs)
    if cells < width:
        runs.append((" " * (width - cells), empty))
    strip = Strip([Segment(*run) for run in runs], max(cells, width))
    return strip.crop(0, width)


def marked_line(strip: Strip, span: tuple[int, int] | None, style: Style) -> Strip:
    """Return ``strip`` with the characters of ``span`` in ``style``; an end of -1 is the line's.

    ``span`` is as ``Selection.get_span`` has it.
    """
    if span is None:
        return strip
    text = strip.text
    first = cell_len(text[: span[0]])
    last = strip.cell_length if span[1] == -1 else cell_len(text[: span[1]])
    marked = strip.crop(first, last).apply_style(style)
    return Strip.join([strip.crop(0, first), marked, strip.crop(last)])
