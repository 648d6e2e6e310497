"""One line of text over the screen: a name, a path.

Must never close before what was typed has been taken; what stands in the way is told in one
sentence, never through markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.records.errors import PlaygroundError
from tui.common.visible import visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact


class InputScreen(ModalScreen[bool]):
    """Asks for a line and gives it to ``take``, which raises ``PlaygroundError`` to refuse it.

    Gives ``True`` when it was taken.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "close", priority=True),
    ]

    def __init__(
        self, title: str, take: Callable[[str], None], *, hint: str, accept: str, value: str = ""
    ) -> None:
        super().__init__()
        self._title = title
        self._take = take
        self._hint = hint
        self._accept = accept
        self._value = value

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="input-box") as box:
            box.border_title = Content(visible_prose(self._title))
            box.border_subtitle = Content(f"Enter {self._accept} · Esc closes")
            yield ExactLine(self._value, placeholder=self._hint, id="input-line")
            yield Static(id="input-refusal")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self._take(exact(event.value))
        except PlaygroundError as error:
            refusal = self.query_one("#input-refusal", Static)
            refusal.update(Content(f"✗ {visible_prose(str(error))}"))
            refusal.display = True
        else:
            self.dismiss(True)
