"""The settings that can be moved over a run, with the values they have here and had in the run.

Must never change a setting: the screen does, and draws it.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from core.looking_back.other_settings.dials import DIALS, Dials
from tui.common.dials.rows import HEAD_ROWS, dial_rows
from tui.common.lines_view import LinesView


class DialList(LinesView):
    """One setting a line; a click picks one."""

    class Picked(Message):
        """A person clicked the dial ``index``."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(self, dials: Dials, selected: int, vocabulary_size: int) -> None:
        """Draw ``dials``, of which ``selected`` is the one that the keys move."""
        self.update_rows(dial_rows(dials, selected, vocabulary_size, self.size.width))

    def on_click(self, event: events.Click) -> None:
        """Tell which dial was clicked."""
        index = event.y - HEAD_ROWS
        if 0 <= index < len(DIALS):
            self.post_message(self.Picked(index))
