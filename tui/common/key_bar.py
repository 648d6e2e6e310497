"""The keys that can be pressed now, in one line at the bottom.

Textual's ``Footer`` mounts a widget a key at every change, which lays out the whole screen: several
frames' worth of time at the very moment a run begins. This draws one line. Must never lay out.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.screen import Screen

from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, NUMBER, Row, shorten

_GAP = "  "
_ALWAYS = ("app.menu", "menu", "command_palette")
"""Actions that are shown wherever they can be done, at the right edge."""


class KeyHint(NamedTuple):
    """A key as it is shown, what it does, and its name for textual."""

    shown: str
    meaning: str
    key: str


class KeyBar(LinesView):
    """Follows the screen's bindings; a click on a key presses it."""

    hints: tuple[KeyHint, ...] = ()
    _last = 0
    """How many hints stand at the right edge."""

    def on_mount(self) -> None:
        """Hear of every change of the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_resize(self) -> None:
        """Lay the keys out for the new width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        x = event.x
        for hint, (start, end) in zip(self._fitting(), self._spans(), strict=True):
            if start <= x < end:
                self.app.simulate_key(hint.key)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not self.is_attached:
            return
        hints = tuple(
            KeyHint(self.app.get_key_display(binding), binding.description, binding.key)
            for binding in self._shown_bindings(screen)
        )
        if hints != self.hints:
            self.hints = hints
            self._draw()

    def _shown_bindings(self, screen: Screen[object]) -> list[Binding]:
        """Return a binding for every action that is shown, those that are always shown last."""
        shown: dict[str, Binding] = {}
        for _, binding, is_enabled, _ in screen.active_bindings.values():
            if is_enabled and (binding.show or binding.action in _ALWAYS):
                shown.setdefault(binding.action, binding)
        last = [shown.pop(action) for action in _ALWAYS if action in shown]
        self._last = len(last)
        return [*shown.values(), *last]

    def _fitting(self) -> tuple[KeyHint, ...]:
        """Return the hints that there is room for: the first ones, and always the last ones."""
        hints = list(self.hints)
        while len(hints) > self._last + 1 and _width(hints) > self.size.width:
            del hints[-1 - self._last]
        return tuple(hints)

    def _spans(self) -> list[tuple[int, int]]:
        """Return where each key stands; the last ones stand at the right edge."""
        spans: list[tuple[int, int]] = []
        x = 1
        for hint in self._fitting():
            width = cell_len(hint.shown) + 1 + cell_len(hint.meaning)
            spans.append((x, x + width))
            x += width + len(_GAP)
        moved = max(0, self.size.width - 1 - spans[-1][1]) if spans else 0
        first = len(spans) - self._last
        return [
            (start + moved, end + moved) if at >= first else (start, end)
            for at, (start, end) in enumerate(spans)
        ]

    def _draw(self) -> None:
        row: Row = []
        x = 0
        for hint, (start, end) in zip(self._fitting(), self._spans(), strict=True):
            row.append((" " * (start - x), ""))
            row += [(hint.shown, "bold " + CHOSEN), (" ", ""), (hint.meaning, NUMBER)]
            x = end
        self.update_rows([shorten(row, self.size.width)])


def _width(hints: list[KeyHint]) -> int:
    """Return the cells that ``hints`` take in one line, with a margin on either side."""
    cells = sum(cell_len(hint.shown) + 1 + cell_len(hint.meaning) for hint in hints)
    return cells + len(_GAP) * (len(hints) - 1) + 2
