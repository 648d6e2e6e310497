"""How full the model's context is.

Must never repaint while its numbers stay the same.
"""

from __future__ import annotations

from tui.render import DIM, NUMBER, gauge
from tui.widgets.lines_view import LinesView

_WIDTH = 12
_FULL_WIDTH = 32
_NEARLY_FULL = 0.8
_FULL = 0.95


class ContextGauge(LinesView):
    """A short bar with the document's tokens and the context's size."""

    def show(self, used: int, size: int) -> None:
        """Draw ``used`` of ``size`` tokens; nothing while the size is unknown."""
        if not size:
            self.update_rows([])
            return
        fraction = used / size
        style = "$text-success"
        if fraction >= _FULL:
            style = "bold $text-error"
        elif fraction >= _NEARLY_FULL:
            style = "$text-warning"
        filled, empty = gauge(fraction, _WIDTH)
        numbers = f"{used:,}/{size:,}"
        row = [("context ", DIM), (filled, style), (empty, DIM), (f" {numbers:>11}", NUMBER)]
        self.update_rows([row if self.size.width >= _FULL_WIDTH else row[-1:]])
