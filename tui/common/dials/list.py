"""The settings that can be turned, with the values they have now and had before.

Must never change a setting: whoever hears of a key or a click does, and draws it.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from core.looking_back.other_settings.dial_table import Dial
from core.looking_back.other_settings.dials import Dials
from tui.common.dials.rows import HEAD_ROWS, dial_rows, in_sight
from tui.common.lines_view import LinesView


class DialList(LinesView):
    """One setting a line, as many as there is room for; a click picks one."""

    _seen = range(0)
    _shown: tuple[Sequence[Dial], Dials, int, int, str] | None = None

    class Picked(Message):
        """A person clicked the dial ``index``."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(
        self, known: Sequence[Dial], dials: Dials, selected: int, vocabulary_size: int, own: str
    ) -> None:
        """Draw ``known``, of which ``selected`` is the one that keys turn; see ``dial_rows``."""
        self._shown = known, dials, selected, vocabulary_size, own
        width, height = self.size
        self._seen = in_sight(len(known), selected, height)
        self.update_rows(dial_rows(known, dials, selected, vocabulary_size, width, height, own=own))

    def on_resize(self) -> None:
        """Draw for the new size."""
        if self._shown is not None:
            self.show(*self._shown)

    def on_click(self, event: events.Click) -> None:
        """Tell which dial was clicked."""
        row = event.y - HEAD_ROWS
        if 0 <= row < len(self._seen):
            self.post_message(self.Picked(self._seen[row]))
