"""What could be said from a place on: found while one looks on, likeliest first.

Must never wait for the model: a thread of its own asks, and a timer takes what has come. No text
goes through markup. What a person goes on with is handed to the app.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from core.backends.background_call import BackgroundCall
from core.outlook.gathered import Outlook
from core.playground.outlooks import Place
from core.records.errors import PlaygroundError
from core.records.outlook import Growth, Prospect, Reach
from core.text.visible import one_line
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import Row, line
from tui.tree.outlook.rows import (
    OutlookRow,
    covered_row,
    dial_row,
    head_row,
    outlook_rows,
    picked_text,
    title_row,
)

Look = Callable[[Reach, Callable[[Growth], None], Callable[[], bool]], None]
"""Searches within a reach, which may take long; gives each growth to the second argument.

The third says when nobody waits any more. It raises ``PlaygroundError`` where it cannot.
"""

LEAST = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
MOST_DEPTH = 30
_MOST = 3_000
"""So many texts are drawn: whoever wants more is better served by the command line."""

_LOOKS_PER_SECOND = 8


class OutlookScreen(Screen[tuple[Prospect, ...]]):
    """Texts as a tree that grows; the result is the way to the one that is gone on with."""

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - textual declares it
    PAGE = "what could be said"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, place: Place, look: Look) -> None:
        super().__init__()
        self._place, self._look_out = place, look
        self._reach = Reach(most=_MOST)
        self._outlook = Outlook()
        self._rows: list[OutlookRow] = []
        self._found: queue.SimpleQueue[Growth] = queue.SimpleQueue()
        self._leaves = threading.Event()
        self._call: BackgroundCall[None] | None = None
        self._failure = ""

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield LinesView(id="outlook-title")
        yield LinesView(id="outlook-facts")
        yield LinesView(id="outlook-head")
        yield RowPicker(id="outlook-rows")
        with VerticalScroll(id="outlook-picked", can_focus=False):
            yield Static(id="outlook-text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to search at once."""
        self.query_one("#outlook-picked").border_title = "the text"
        self.query_one(RowPicker).focus()
        self.set_interval(1 / _LOOKS_PER_SECOND, self._take)
        self._search()

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._draw)

    def on_unmount(self) -> None:
        """Nobody waits for the search any more."""
        self._leaves.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        if action == "stop":
            return self._call is not None
        if action == "close":
            return self._call is None
        return action != "go_on" or self._prospect is not None

    # The search

    def _search(self) -> None:
        """Search anew within the reach; a search that goes on is ended."""
        self._leaves.set()
        leaves, reach = threading.Event(), self._reach
        found: queue.SimpleQueue[Growth] = queue.SimpleQueue()
        self._leaves, self._found, self._outlook, self._failure = leaves, found, Outlook(), ""
        self._call = BackgroundCall(
            lambda: self._look_out(reach, found.put, leaves.is_set),
            "what could be said could not be found out",
        )
        self.refresh_bindings()
        self._draw()

    def _take(self) -> None:
        """Take over what was found since the last look."""
        call = self._call
        is_done = call is not None and call.is_done  # asked first: all that it found is there then
        has_grown = False
        while not self._found.empty():
            self._outlook.add(self._found.get_nowait())
            has_grown = True
        if call is not None and is_done:
            self._call = None
            self._end(call)
        if has_grown or is_done:
            self._draw()

    def _end(self, call: BackgroundCall[None]) -> None:
        try:
            call.result()
        except PlaygroundError as error:
            if not self._leaves.is_set():
                self._failure = str(error)
        self.refresh_bindings()

    @property
    def _state(self) -> str:
        if self._failure:
            return "✗"
        if self._call is not None:
            return "◌ stopping" if self._leaves.is_set() else "◌ searching"
        return "stopped" if self._outlook.open else "✓ all"

    # What is drawn

    @property
    def _prospect(self) -> Prospect | None:
        picked = self.query_one(RowPicker).picked
        return self._rows[picked].prospect if picked < len(self._rows) else None

    @on(RowPicker.Resized)
    def _draw(self) -> None:
        picker = self.query_one(RowPicker)
        width = picker.scrollable_content_region.width
        before = self._prospect
        rows = outlook_rows(self._outlook, self._reach, width)
        if before is not None:
            # What grows above the picked text pushes it down, and the eye with it.
            places = (at for at, one in enumerate(rows) if one.prospect == before)
            picker.picked = next(places, picker.picked)
        self._rows = rows
        picker.show_rows([one.row for one in rows])
        self.query_one("#outlook-head", LinesView).update_rows([head_row(width)])
        title = self.query_one("#outlook-title", LinesView)
        title.update_rows([title_row(self._place, title.size.width)])
        self._draw_facts()

    @on(RowPicker.Moved)
    def _draw_facts(self) -> None:
        facts = self.query_one("#outlook-facts", LinesView)
        width = facts.size.width
        told: Row = covered_row(self._outlook, self._state, width)
        if self._failure:
            told = [("✗ ", "bold $text-error"), (one_line(self._failure), "")]
        facts.update_rows([dial_row(self._place, self._reach, width), told])
        one = self._prospect
        text, about = picked_text(self._place, self._outlook, one.index if one else 0)
        self.query_one("#outlook-text", Static).update(line(text))
        box = self.query_one("#outlook-picked", VerticalScroll)
        box.border_subtitle = Content("".join(part for part, _ in about))
        box.scroll_end(animate=False)
        self.refresh_bindings()

    # What a person does

    def action_deeper(self, offset: int) -> None:
        """Look at longer texts, or at shorter ones."""
        self._turn(max(1, min(MOST_DEPTH, self._reach.depth + offset)), self._reach.least)

    def action_rarer(self, offset: int) -> None:
        """Look at less likely texts too, or at likelier ones alone."""
        at = LEAST.index(self._reach.least) + offset
        self._turn(self._reach.depth, LEAST[max(0, min(len(LEAST) - 1, at))])

    def _turn(self, depth: int, least: float) -> None:
        reach = Reach(depth, least, _MOST)
        if reach != self._reach:
            self._reach = reach
            self._search()

    def action_stop(self) -> None:
        """End the search; what was found stays."""
        self._leaves.set()
        self._draw_facts()

    @on(RowPicker.Picked)
    def action_go_on(self) -> None:
        """Go on with the text that is picked."""
        one = self._prospect
        if one is not None:
            self._leaves.set()
            self.dismiss(tuple(self._outlook.way_to(one.index)))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(())
