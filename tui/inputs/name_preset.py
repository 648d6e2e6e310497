"""Asks for the name of a preset and has it saved; a name that cannot be had is asked for again.

Must never write a file itself, and never puts a name or a sentence through markup.
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
from core.records.settings import Settings
from tui.common.step_rows import settings_summary
from tui.common.visible import visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact


class NamePresetScreen(ModalScreen[str | None]):
    """Gives what ``save`` said of the name that was typed, or ``None``."""

    CSS_PATH = ["name_preset.tcss"]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "not now", priority=True),
    ]

    def __init__(self, settings: Settings, save: Callable[[str, Settings], str]) -> None:
        super().__init__()
        self._settings = settings
        self._save = save

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="name-preset") as box:
            box.border_title = "save these settings as a preset"
            box.border_subtitle = "Enter saves · Esc not now"
            values = settings_summary(list(self._settings.to_mapping().items()))
            yield Static(Content(visible_prose(values or "the defaults of transformers")))
            yield ExactLine(placeholder="a name, up to 24 characters", id="name-preset-name")
            yield Static(id="name-preset-fault")

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if not self.is_current:
            return  # Enter was pressed twice
        try:
            self.dismiss(self._save(exact(event.value).strip(), self._settings))
        except PlaygroundError as error:
            fault = self.query_one("#name-preset-fault", Static)
            fault.display = True
            fault.update(Content(visible_prose(str(error))))
