"""A line with what a person has marked with the mouse set off.

Must never decide what can be marked, nor what is copied.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip


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
