"""The menu: what can be done here, each with one character, for whatever terminal there is.

Must never do anything itself: it gives back what was chosen. Presets' words are never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.text.visible import pad
from tui.actions.bindings import bindings
from tui.actions.everywhere import MENU
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, line
from tui.common.visible import fit, visible_prose

_NAME_WIDTH = 24
"""In cells: a preset's name has as many characters at most."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A row: the character that does it, its name, its own keys, and what is given back for it."""

    character: str
    name: str
    keys: str
    value: object
    is_possible: bool = True


class MenuScreen(ModalScreen[object]):
    """Gives the value of the chosen item, or ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", priority=True),
        *bindings([replace(MENU, call="dismiss(None)")]),
        Binding("left,right", "app.focus_next", "other column", show=False),
    ]

    def __init__(self, title: str, columns: Sequence[tuple[str, Sequence[MenuItem]]]) -> None:
        """Take columns of a title and its items; empty ones are left out."""
        super().__init__()
        self._title = title
        self._columns = [(name, tuple(items)) for name, items in columns if items]

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Horizontal(id="menu") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "a character does it · ↑ ↓ Enter picks · Esc closes"
            for at, (name, items) in enumerate(self._columns):
                column = OptionList(*(Option(line(_row(item))) for item in items), id=f"menu-{at}")
                column.border_title = Content(name)
                yield column

    def on_key(self, event: events.Key) -> None:
        """Choose by the character."""
        if event.character is None or not event.is_printable:
            return
        event.stop()
        for _, items in self._columns:
            for item in items:
                if item.character == event.character:
                    self.dismiss(item.value)
                    return
        self.query_one("#menu").border_subtitle = Content(
            f"{visible_prose(event.character)} does nothing here · Esc closes"
        )

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        at = int((event.option_list.id or "menu-0").removeprefix("menu-"))
        self.dismiss(self._columns[at][1][event.option_index].value)


def _row(item: MenuItem) -> Row:
    name = fit(visible_prose(item.name), _NAME_WIDTH)
    return [
        (f"{item.character:<2}", CHOSEN),
        (pad(name, _NAME_WIDTH + 1), NUMBER if item.is_possible else DIM),
        (item.keys, DIM),
    ]
