"""Why the presets file cannot be used as it is now, shown until it can.

Must never put what a file holds through markup.
"""

from __future__ import annotations

import textwrap
from functools import partial

from tui.common.lines_view import LinesView
from tui.common.visible import fit, visible_prose

_INDENT = "    "
_MOST_ROWS = 3
_UNTIL_THEN = "until then the presets from before stay"


class PresetsFault(LinesView):
    """Draws one sentence on as many rows as it takes, up to three; nothing where there is none."""

    def show(self, fault: str) -> None:
        """Draw ``fault``, what is wrong and where."""
        # What was not shown until now has no width of its own yet.
        rows = _wrapped(fault, self.screen.size.width - len(_INDENT) - 1) if fault else []
        self.display = bool(rows)
        if rows:
            self.styles.height = len(rows)
            marks = ["  ✗ ", *([_INDENT] * (len(rows) - 1))]
            self.update_rows(
                [
                    [(mark, "bold $text-error"), (row, "$text-error")]
                    for mark, row in zip(marks, rows, strict=True)
                ]
            )


def _wrapped(fault: str, width: int) -> list[str]:
    wrap = partial(textwrap.wrap, width=max(10, width), break_on_hyphens=False)
    told = visible_prose(fault)
    rows = wrap(f"{told}; {_UNTIL_THEN}")
    if len(rows) <= _MOST_ROWS:
        return rows
    rows = wrap(told)
    if len(rows) <= _MOST_ROWS:
        return rows
    return [*rows[: _MOST_ROWS - 1], fit(f"{rows[_MOST_ROWS - 1]} …", width)]
