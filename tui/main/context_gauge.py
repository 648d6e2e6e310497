"""How full the model's context is.

Must never repaint while its numbers stay the same.
"""

from __future__ import annotations

from tui.common.lines_view import LinesView
from tui.common.step_rows import DIM, NUMBER, Row, gauge, short_count

_FULL_WIDTH = 32
_NUMBERS_WIDTH = 11
_LABEL = "context "
_NEARLY_FULL = 0.8
_FULL = 0.95


class ContextGauge(LinesView):
    """A short bar with the document's tokens and the context's size."""

    def show(self, used: int, size: int | None) -> None:
        """Draw ``used`` of ``size`` tokens, which is ``None`` where there is no limit."""
        is_wide = self.size.width >= _FULL_WIDTH
        if size is None:
            numbers = f"{used:,} tokens"
            self.update_rows([[(f"{_LABEL}{numbers}" if is_wide else numbers, NUMBER)]])
            return
        numbers = f"{used:,}/{size:,}"
        if is_wide:
            self.update_rows([_with_bar(used / size, numbers)])
            return
        if len(numbers) >= self.size.width:
            numbers = f"{used:,}/{short_count(size)}"
        self.update_rows([[(f" {numbers:>{_NUMBERS_WIDTH}}", NUMBER)]])


def _with_bar(fraction: float, numbers: str) -> Row:
    style = "$text-success"
    if fraction >= _FULL:
        style = "bold $text-error"
    elif fraction >= _NEARLY_FULL:
        style = "$text-warning"
    numbers = f" {numbers:>{_NUMBERS_WIDTH}}"
    filled, empty = gauge(fraction, _FULL_WIDTH - len(_LABEL) - len(numbers))
    return [(_LABEL, DIM), (filled, style), (empty, DIM), (numbers, NUMBER)]
