"""Rows of texts under one another, for people who read standard output.

Must never cut a text, nor count characters where cells are meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.text.visible import cell_width, pad


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Yield each of ``rows`` as a line, without its end; columns of ``right`` end in one place."""
    widths = [max(cell_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            " " * (width - cell_width(cell)) + cell if column in right else pad(cell, width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
