"""A list in which a click moves to a row, and a click on that row takes it.

Must never take a row that a person has not had the chance to look at.
"""

from __future__ import annotations

from textual import events
from textual.widgets import OptionList


class CandidateList(OptionList):
    """Textual's list of options, each a line, whose first click takes nothing."""

    def on_click(self, event: events.Click) -> None:
        """Move to the row that was clicked; where that is there already, textual takes it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        if index < self.option_count and index != self.highlighted:
            self.highlighted = index
            event.prevent_default()
