"""The dials of the picked preset, in the place of the list of presets while they are shown.

Must never turn anything itself: its keys call the app's actions.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from core.looking_back.other_settings.dial_table import RUN_DIALS
from core.playground.presets.turning import Turning
from core.presets.book import CHANGED, Preset
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.dials.list import DialList
from tui.common.visible import visible_prose


class DialsPanel(Vertical, can_focus=True):
    """Has keys of its own while it has the focus."""

    PAGE = "the dials"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    _picked = 0

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield DialList(id="dial-rows")

    @on(DialList.Picked)
    async def _clicked(self, event: DialList.Picked) -> None:
        await self.app.run_action(f"pick_dial({event.index - self._picked})")

    def show(self, turning: Turning, preset: Preset, *, is_changed: bool) -> None:
        """Draw how the dials of ``preset`` stand, where they are shown at all."""
        self.display, self._picked = turning.is_open, turning.picked
        if turning.is_open:
            name = visible_prose(preset.name) + CHANGED * is_changed
            self.border_title = Content(f"dials · {name}")
            self.query_one(DialList).show(
                RUN_DIALS, turning.dials, turning.picked, turning.vocabulary_size, "preset"
            )
