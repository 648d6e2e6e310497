"""Every setting on a page of its own, with a picture of what it does to one distribution.

Must never change a setting of anybody's: what turns here is an example.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.looking_back.other_settings.example import NAMES, start, values
from tui.common.step_rows import lines
from tui.help.setting_rows import setting_rows

_EDGES = 6
"""The cells that border and padding take."""


class SettingsScreen(ModalScreen[None]):
    """One setting at a time: left and right turn it, up and down go to another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", priority=True),
        Binding("left", "turn(-1)", "less"),
        Binding("right", "turn(1)", "more"),
        Binding("up", "setting(-1)", "the setting before"),
        Binding("down", "setting(1)", "the next setting"),
        Binding("pageup", "page_up", "scroll up"),
        Binding("pagedown", "page_down", "scroll down"),
    ]

    def __init__(self, name: str = NAMES[0]) -> None:
        """Begin with the setting ``name``."""
        super().__init__()
        self._at = NAMES.index(name)
        self._values = {one: start(one) for one in NAMES}

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with VerticalScroll(id="setting", can_focus=False) as page:
            page.border_subtitle = "← → turn it · ↑ ↓ another setting · pgup pgdn scroll · Esc"
            yield Static(id="setting-text")

    def on_mount(self) -> None:
        """Draw the first page."""
        self._show()

    def on_resize(self) -> None:
        """Draw the page for the new width."""
        self._show()

    def action_turn(self, offset: int) -> None:
        """Turn the setting to its value on the left (-1) or right (1)."""
        name = NAMES[self._at]
        last = len(values(name)) - 1
        self._values[name] = max(0, min(last, self._values[name] + offset))
        self._show()

    def action_setting(self, offset: int) -> None:
        """Go to the setting before (-1) or to the next one (1); the last is before the first."""
        self._at = (self._at + offset) % len(NAMES)
        self.query_one("#setting", VerticalScroll).scroll_home(animate=False)
        self._show()

    def action_page_up(self) -> None:
        """Scroll up."""
        self.query_one("#setting", VerticalScroll).scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """Scroll down."""
        self.query_one("#setting", VerticalScroll).scroll_page_down(animate=False)

    def _show(self) -> None:
        name = NAMES[self._at]
        page = self.query_one("#setting", VerticalScroll)
        page.border_title = Content(f"{name} · setting {self._at + 1} of {len(NAMES)}")
        width = min(92, int(self.size.width * 0.96)) - _EDGES - 1
        rows = setting_rows(name, self._values[name], width)
        self.query_one("#setting-text", Static).update(lines(rows))
