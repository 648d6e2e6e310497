"""Two presets side by side: the settings that differ, and what each makes of the step at hand.

Must never weigh a step on the app's thread, nor change which preset is picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen

from core.backends.background_call import BackgroundCall
from core.looking_back.other_settings.look import Judged, Looker
from core.playground.presets.sides import Side
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.awaited import Awaited
from tui.common.breakpoints import HEIGHTS, WIDTHS
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.rows_view import RowsView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten
from tui.common.visible import visible_prose
from tui.main.presets.rows import difference_rows, step_rows

_LOOKS_PER_SECOND = 30


class PresetsScreen(Screen[Side | None]):
    """Gives the side that a person takes, or ``None``.

    ``picked`` stands beside one of ``others`` at a time. ``recorded`` is a run and the step of it
    to begin with; without one, ``why_no_step`` says why.
    """

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    PAGE = "two presets"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        picked: Side,
        others: Sequence[Side],
        recorded: tuple[RecordedRun, int] | None,
        why_no_step: str,
    ) -> None:
        super().__init__()
        self._picked = picked
        self._others = others
        self._at = 0
        self._run = recorded[0] if recorded is not None else None
        self._step = recorded[1] if recorded is not None else 0
        self._why_no_step = why_no_step
        self._looker = Looker(self._run) if self._run is not None else None
        self._calls: Awaited[tuple[Judged, ...]] = Awaited(
            "the step could not be weighed", self._take_over
        )
        self._judged: tuple[Judged, ...] | None = None
        self._fault = ""

    @property
    def other(self) -> Side:
        """What stands beside the picked preset."""
        return self._others[self._at]

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield LinesView(id="beside-title")
        differences = RowsView(id="beside-differences")
        differences.border_title = "what they set differently"
        yield differences
        with Vertical(id="beside-step") as step:
            step.border_title = "what each makes of this step"
            yield LinesView(id="beside-step-rows")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to weigh the step."""
        self._calls.start(self, _LOOKS_PER_SECOND)
        self.query_one(RowsView).focus()
        self._ask()

    def on_resize(self) -> None:
        """Draw everything for the new size."""
        self.call_after_refresh(self._paint)

    def _ask(self) -> None:
        """Have the step weighed for the two that stand here now."""
        self._judged, self._fault = None, ""
        if self._looker is not None and self._run is not None and self._run.token_ids:
            both = self._picked.settings, self.other.settings
            self._calls.ask(partial(self._looker.judge, self._step, both))
        self._paint()

    def _take_over(self, call: BackgroundCall[tuple[Judged, ...]]) -> None:
        if self._calls.is_busy:  # another step or preset is asked of meanwhile
            return
        try:
            self._judged = call.result()
        except PlaygroundError as error:
            self._fault = str(error)
        self._paint()

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        names = tuple(visible_prose(one.name) for one in (self._picked, self.other))
        title: Row = [
            (" presets", "bold " + CHOSEN),
            (f"  {names[0]}", NUMBER),
            (" beside ", DIM),
            (names[1], NUMBER),
            (f"  {self._at + 1} of {len(self._others)}", DIM),
        ]
        if self.other.preset is not None and self.other.preset.description:
            title.append((f"  {visible_prose(self.other.preset.description)}", DIM))
        self.query_one("#beside-title", LinesView).update_rows([shorten(title, self.size.width)])
        view = self.query_one(RowsView)
        both = self._picked.settings, self.other.settings
        view.show_rows(difference_rows(*both, names, view.scrollable_content_region.width))
        self._paint_step(names)

    def _paint_step(self, names: Sequence[str]) -> None:
        view = self.query_one("#beside-step-rows", LinesView)
        run, told = self._run, self._fault or self._why_no_step
        if run is None or self._fault:
            rows: list[Row] = [[("  " + visible_prose(told), DIM)]]
        elif self._judged is None:
            rows = [[("  …", DIM)]]
        else:
            rows = step_rows(
                self._judged,
                self._step,
                len(run.token_ids),
                run.token_ids[self._step],
                run.start.texts,
                names,
                view.size.width,
            )
        view.update_rows(rows)

    def action_next_preset(self, offset: int) -> None:
        """Lay the next preset beside the picked one, or the one before."""
        self._at = (self._at + offset) % len(self._others)
        self._ask()

    def action_step(self, offset: int) -> None:
        """Look at the next step, or the one before."""
        if self._run is not None and 0 <= self._step + offset < len(self._run.token_ids):
            self._step += offset
            self._ask()

    def action_take(self) -> None:
        """Close, with what stands beside the picked preset."""
        if self.is_current:
            self.dismiss(self.other)

    def action_close(self) -> None:
        """Go back with nothing."""
        if self.is_current:
            self.dismiss(None)
