"""A whole beam search on a page: one tree, folded where its beams agree, walked with the arrows.

Must never run the model: all is in the records of the run. What is looked at next is for the page
below it.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from core.document.turn import Turn
from core.records.steps import BeamStep
from core.text.readable import decimal, token_count
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import CHOSEN, DIM, line
from tui.common.visible import visible_prose
from tui.why.whole_rows import SearchRow, head_row, search_rows


class WholeSearchScreen(Screen[int | None]):
    """The tree of a search; the result is the index of a step to look at."""

    CSS_PATH = ["pages.tcss"]  # noqa: RUF012 - textual declares it
    PAGE = "the whole search"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._steps = [one for one in turn.steps if isinstance(one, BeamStep)]
        self._winner = turn.finished.token_ids if turn.finished is not None else ()
        self._rows: list[SearchRow] = []

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield LinesView(id="whole-title")
        yield LinesView(id="whole-head")
        yield RowPicker(id="whole-rows")
        with VerticalScroll(id="whole-picked", can_focus=False):
            yield Static(id="whole-text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin at the first row."""
        self.query_one("#whole-picked").border_title = "the beam"
        self.query_one(RowPicker).focus()

    @on(RowPicker.Resized)
    def _draw(self) -> None:
        picker = self.query_one(RowPicker)
        width = picker.scrollable_content_region.width
        self._rows = search_rows(self._steps, self._winner, width)
        picker.show_rows([one.row for one in self._rows])
        told = f"  {len(self._steps):,} steps · {len(self._rows):,} pieces"
        title = self.query_one("#whole-title", LinesView)
        title.update_rows([[(" the whole search", "bold " + CHOSEN), (told, DIM)]])
        self.query_one("#whole-head", LinesView).update_rows([head_row()])
        self._draw_picked()

    @on(RowPicker.Moved)
    def _draw_picked(self) -> None:
        picked = self._picked
        if picked is None:
            return
        end, before = picked.stretch.beams[-1], picked.stretch.beams[0]
        head = before.text.removesuffix(before.token.text)
        text = [(visible_prose(head), DIM), (visible_prose(end.text[len(head) :]), CHOSEN)]
        self.query_one("#whole-text", Static).update(line(text))
        box = self.query_one("#whole-picked", VerticalScroll)
        facts = f"{token_count(len(end.token_ids))} · Σ {decimal(end.score)}"
        box.border_subtitle = Content(f"{facts} · score {decimal(end.normalized_score)}")
        box.scroll_end(animate=False)

    @property
    def _picked(self) -> SearchRow | None:
        at = self.query_one(RowPicker).picked
        return self._rows[at] if at < len(self._rows) else None

    def action_next(self) -> None:
        """Go to the next piece of the text that won; from the last one, to the first."""
        picker = self.query_one(RowPicker)
        places = [at for at, one in enumerate(self._rows) if one.is_of_winner]
        if places:
            picker.pick_row(next((at for at in places if at > picker.picked), places[0]))

    @on(RowPicker.Picked)
    def action_go(self) -> None:
        """Look at the step at which the piece was as long as it became."""
        picked = self._picked
        if picked is not None:
            self.dismiss(len(picked.stretch.beams[-1].token_ids) - 1)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
