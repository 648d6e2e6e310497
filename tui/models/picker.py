"""The model picker: what is here, what can be fetched, and a name or folder typed by hand.

Must never load or fetch a model: it gives a name back. Names from the cache are never markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.backends.background_call import BackgroundCall
from core.models.listing import AvailableModel, format_bytes
from core.records.errors import PlaygroundError
from core.text.visible import pad
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.step_rows import DIM, NUMBER, Row, line, short_count
from tui.common.visible import fit, visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact

_NAME_WIDTH = 34
_LOOKS_PER_SECOND = 20


class ModelsScreen(ModalScreen[str | None]):
    """Gives the name of the model that was picked, or ``None``."""

    PAGE = "models"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        current: str,
        find: Callable[[], tuple[AvailableModel, ...]],
    ) -> None:
        super().__init__()
        self._current = current
        self._find = find
        self._models: tuple[AvailableModel, ...] = ()
        self._call: BackgroundCall[tuple[AvailableModel, ...]] | None = None

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="models") as box:
            box.border_title = "models"
            box.border_subtitle = "↑ ↓ Enter picks · or type a name · Esc closes"
            yield OptionList(Option("looking…", disabled=True), id="model-list")
            yield ExactLine(
                placeholder="a name on the hub, or a folder",
                id="model-name",
            )

    def on_mount(self) -> None:
        """Look what is there, without holding the screen up."""
        self.query_one(OptionList).focus()
        self._call = BackgroundCall(self._find, "the models could not be listed")
        self.set_interval(1 / _LOOKS_PER_SECOND, self._take_over)

    def _take_over(self) -> None:
        """Show what was found; on a timer, which ends with the box."""
        call = self._call
        if call is None or not call.is_done:
            return
        self._call = None
        options = self.query_one(OptionList)
        options.clear_options()
        try:
            self._models = call.result()
        except PlaygroundError as error:
            options.add_option(Option(line([(visible_prose(str(error)), DIM)]), disabled=True))
            return
        options.add_options([Option(line(self._row(model))) for model in self._models])
        names = [model.name for model in self._models]
        options.highlighted = names.index(self._current) if self._current in names else 0

    def _row(self, model: AvailableModel) -> Row:
        is_current = model.name == self._current
        name = fit(visible_prose(model.name), _NAME_WIDTH)
        row: Row = [
            ("▸ " if is_current else "  ", "$text-accent"),
            (pad(name, _NAME_WIDTH + 1), NUMBER if model.is_here else DIM),
        ]
        if model.parameters is not None:
            row.append((f"{short_count(model.parameters):>6} ", NUMBER))
        size = format_bytes(model.size)
        row.append((f"{size:>9}" if model.is_here else f"{size:>16} to fetch", DIM))
        return row

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        if self._models:
            self.dismiss(self._models[event.option_index].name)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        name = exact(event.value).strip()
        if name:
            self.dismiss(name)

    def on_key(self, event: events.Key) -> None:
        """Have what is typed while the list has the focus reach the line below."""
        if event.character is not None and event.is_printable:
            event.stop()
            self._search_on(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Have what is pasted there reach it too."""
        event.stop()
        self._search_on(event.text)

    def _search_on(self, text: str) -> None:
        name = self.query_one(Input)
        name.focus()
        name.insert_text_at_cursor("".join(text.splitlines()))

    def action_to_list(self) -> None:
        """Go from the line to the list."""
        self.query_one(OptionList).focus()
