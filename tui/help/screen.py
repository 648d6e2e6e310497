"""The help screen: the keys of the page that it was called from, and how to read that page.

Must never hold a preset's or a model's text in markup, nor keys of its own account: it is given
them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.text.visible import pad
from tui.actions.bindings import bindings
from tui.actions.everywhere import HELP
from tui.common.step_rows import CHOSEN, NUMBER, Row, lines
from tui.common.visible import visible_prose
from tui.help.texts import Section

_INDENT = 21
_COLUMN = _INDENT - 2


class HelpScreen(ModalScreen[None]):
    """Everything that a stranger may want to know of a page, in one that scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", priority=True),
        Binding("s", "settings", "every setting"),
        *bindings([replace(HELP, call="dismiss", has_priority=True)]),
    ]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._title = title
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with VerticalScroll(id="help") as page:
            page.border_title = Content(self._title)
            page.border_subtitle = "↑ ↓ scroll · s every setting · Esc closes"
            yield HelpText(self._sections)

    def action_settings(self) -> None:
        """Show every setting on a page of its own."""
        from tui.help.settings_screen import SettingsScreen  # it asks torch, which is slow to come

        self.app.push_screen(SettingsScreen())


class HelpText(Static):
    """Sections of names and meanings in two columns."""

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def on_resize(self) -> None:
        """Wrap the meanings to the width."""
        rows: list[Row] = []
        for title, entries in self._sections:
            rows.append([(title, "bold $text-primary")])
            for name, meaning in entries:
                rows.extend(_entry(visible_prose(name), visible_prose(meaning), self.size.width))
            rows.append([])
        self.update(lines(rows[:-1]))


def _entry(name: str, meaning: str, width: int) -> list[Row]:
    """Return a name with its meaning beside it, or below where the name is too long for that."""
    wrapped = textwrap.wrap(meaning, max(20, width - _INDENT)) or [""]
    rows: list[Row] = [[(" " * _INDENT + text, NUMBER)] for text in wrapped]
    if cell_len(name) > _COLUMN - 2:
        return [[("  " + name, CHOSEN)], *rows]
    return [[("  " + pad(name, _COLUMN), CHOSEN), (wrapped[0], NUMBER)], *rows[1:]]
