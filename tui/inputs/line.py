"""One line of text that is kept to the letter, whatever is typed or pasted.

Must never draw a character that a terminal would obey, nor drop what stands behind a line end.
"""

from __future__ import annotations

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.widgets import Input

from tui.inputs.stand_ins import drawn, exact, safe_line


class _Drawn(Highlighter):
    def highlight(self, text: Text) -> None:
        text.plain = drawn(text.plain)


class ExactLine(Input):
    """An input whose ``exact_value`` is what a person put there; ``value`` has stand-ins."""

    def __init__(self, value: str = "", placeholder: str = "", *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        # What was typed on another widget would go with the next key if it were selected.
        super().__init__(safe_line(value), placeholder, _Drawn(), select_on_focus=False, id=id)

    @property
    def exact_value(self) -> str:
        """The text to the letter."""
        return exact(self.value)

    @property
    def selected_text(self) -> str:
        """What is selected, to the letter."""
        return exact(super().selected_text)

    def replace(self, text: str, start: int, end: int) -> None:
        """Replace what stands from ``start`` to ``end``; see ``Input``."""
        super().replace(safe_line(text), start, end)

    def on_paste(self, event: events.Paste) -> None:
        """Insert all of a paste but the line end at its end."""
        event.prevent_default()
        event.stop()
        text = event.text.removesuffix("\n").removesuffix("\r")
        self.replace(text, *sorted(self.selection))
