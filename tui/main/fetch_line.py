"""One line on a model that is being fetched, shown only meanwhile.

Must never put a model's name through markup.
"""

from __future__ import annotations

from collections.abc import Callable

from core.playground.fetching import Fetching
from tui.common.download_words import describe, share
from tui.common.lines_view import LinesView
from tui.common.step_rows import DIM, NUMBER, Row, gauge, shorten
from tui.common.visible import visible_prose

_GAUGE_WIDTH = 16


class FetchLine(LinesView):
    """Draws how far a download is, or that its model waits to be switched to."""

    def show(self, fetching: Fetching, told: Callable[[str], str]) -> None:
        """Draw ``fetching``; ``told`` gives the key of an action by its id."""
        row = _row(fetching, told)
        self.display = bool(row)
        if row:
            # A line that was not shown until now has no width of its own yet.
            self.update_rows([shorten([("  ", ""), *row], self.screen.size.width)])


def _row(fetching: Fetching, told: Callable[[str], str]) -> Row:
    if fetching.arrived:
        name = visible_prose(fetching.arrived)
        return [
            ("✓ ", "$text-success"),
            (f"{name} is here", NUMBER),
            (" · ", DIM),
            (told("get_model"), "bold $text-accent"),
            (" switches to it", DIM),
        ]
    if fetching.name is None:
        return []
    hint: Row = [(" · ", DIM), (f"{told('stop')} cancels", DIM)]
    arrow = ("↓ ", "$text-primary")
    if fetching.is_cancelled:
        return [arrow, (f"stopping the download of {visible_prose(fetching.name)}", NUMBER)]
    if fetching.progress is None:
        return [arrow, (f"asking the hub for {visible_prose(fetching.name)}", NUMBER), *hint]
    filled, empty = gauge(share(fetching.progress), _GAUGE_WIDTH)
    words = visible_prose(describe(fetching.progress))
    return [arrow, (filled, "$text-primary"), (empty, DIM), (f" {words}", NUMBER), *hint]
