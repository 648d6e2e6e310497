"""Several lines of text that are kept to the letter, whatever is typed or pasted.

Must never draw a character that a terminal would obey.
"""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location

from tui.inputs.stand_ins import drawn, exact, safe


class ExactArea(TextArea):
    """A text area whose ``text`` is what a person put there; see ``stand_ins``."""

    @property
    def text(self) -> str:
        """The exact text; line ends are newlines."""
        return exact(self.document.text)

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def load_text(self, text: str) -> None:
        """Replace all that stands here."""
        super().load_text(safe(text))

    def insert(
        self, text: str, location: Location | None = None, *, maintain_selection_offset: bool = True
    ) -> EditResult:
        """Insert ``text``; see ``TextArea``."""
        return super().insert(
            safe(text), location, maintain_selection_offset=maintain_selection_offset
        )

    def replace(
        self, insert: str, start: Location, end: Location, *, maintain_selection_offset: bool = True
    ) -> EditResult:
        """Replace what stands from ``start`` to ``end``; see ``TextArea``."""
        return super().replace(
            safe(insert), start, end, maintain_selection_offset=maintain_selection_offset
        )

    def get_text_range(self, start: Location, end: Location) -> str:
        """Return the exact text between two places."""
        return exact(super().get_text_range(start, end))

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn."""
        line = super().get_line(line_index)
        line.plain = drawn(line.plain)
        return line

    async def on_paste(self, event: events.Paste) -> None:
        """Insert a paste of any length, once: the screen need not hear of it."""
        event.prevent_default()
        event.stop()
        if not self.read_only:
            self.replace(event.text, *self.selection)

    def action_cut(self) -> None:
        """Cut what is selected, or the line."""
        super().action_cut()
        if exact(self.app.clipboard) != self.app.clipboard:
            self.app.copy_to_clipboard(exact(self.app.clipboard))
