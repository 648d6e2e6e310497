"""A question, or a sentence that must not be missed, over the main screen.

Must never put a text through markup.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.common.visible import visible_prose


class DialogScreen(ModalScreen[bool]):
    """Shows ``text``; gives ``True`` for Enter where ``accept`` says what that does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", "yes", priority=True),
        Binding("escape", "answer(False)", "close", priority=True),
    ]

    def __init__(self, title: str, text: str, *, accept: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._accept = accept

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(visible_prose(self._title))
            box.border_subtitle = Content(
                f"Enter {self._accept} · Esc not now" if self._accept else "Esc closes"
            )
            yield Static(Content(visible_prose(self._text)))

    def action_answer(self, is_accepted: bool) -> None:
        """Close with the answer."""
        self.dismiss(is_accepted and bool(self._accept))
