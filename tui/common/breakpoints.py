"""The sizes at which a screen changes its layout, and the classes that style sheets know them by.

Must never import a screen.
"""

from __future__ import annotations

WIDTHS: list[tuple[int, str]] = [
    (0, "-narrow"),
    (70, "-medium"),
    (110, "-wide"),
    (160, "-very-wide"),
]
"""Columns."""

HEIGHTS: list[tuple[int, str]] = [(0, "-low"), (22, "-short"), (34, "-tall")]
"""Rows."""
