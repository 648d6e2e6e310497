"""The page of scrubbing: a finished run, the settings, a step, and what of it would differ.

Must never run a model, and never computes on the app's thread: a thread of its own looks, a timer
asks whether it has, and of settings that come faster than that the newest win.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen, ScreenResultType

from core.backends.background_call import BackgroundCall
from core.looking_back.other_settings.dial_table import can_be_told, scrub_dials
from core.looking_back.other_settings.dials import Dials
from core.looking_back.other_settings.look import Look, Looker
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from tui.common.awaited import Awaited
from tui.common.breakpoints import HEIGHTS, WIDTHS
from tui.common.dials.compared import step_rows
from tui.common.dials.list import DialList
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, shorten
from tui.common.visible import visible_prose
from tui.scrub.rows import legend_row, summary_row
from tui.scrub.step_map import StepMap
from tui.scrub.text import ScrubText

_LOOKS_PER_SECOND = 60


class ScrubPage(Screen[ScreenResultType]):
    """Looks at a run under the dials as they stand, and draws what was seen.

    ``preset`` is the run's, ``presets`` those to compare with, ``step`` the first one to look at.
    ``own`` are the run's settings as they were written, with texts where the run has token ids.
    """

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        run: RecordedRun,
        preset: Preset,
        presets: Sequence[Preset],
        step: int,
        own: Settings | None,
    ) -> None:
        super().__init__()
        self._run = run
        self._preset = preset
        self._presets = [one for one in presets if can_be_told(one.settings, run)]
        self._vocabulary_size = max((one.vocabulary_size for one in run.steps if one), default=1)
        self._known = scrub_dials(run)
        self._own = run.start.settings if own is None else own
        self._dials = Dials.of(self._own)
        self._picked = 0
        self._step = max(0, min(step, len(run.token_ids) - 1))
        self._follows = True
        self._begin_to_look()
        self._notice: Row = []

    def _begin_to_look(self) -> None:
        self._looker = Looker(self._run)
        self._calls: Awaited[Look] = Awaited("the run could not be scrubbed", self._take_over)
        self._look: Look | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield LinesView(id="scrub-title")
        with Horizontal(id="scrub-body"):
            with Vertical(id="scrub-document") as document:
                document.border_title = "the run"
                yield ScrubText(self._run, id="scrub-text")
                yield LinesView(id="scrub-legend")
            with Vertical(id="scrub-side"):
                with Vertical(id="scrub-dials"):
                    yield DialList(id="scrub-dial-rows")
                with Vertical(id="scrub-step") as step:
                    step.border_title = "this step"
                    yield LinesView(id="scrub-step-rows")
        yield StepMap(id="scrub-map")
        yield LinesView(id="scrub-summary")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to look at the run as it was."""
        self._calls.start(self, _LOOKS_PER_SECOND)
        self._ask()

    def on_unmount(self) -> None:
        """Let go of what was computed: a closed page stays in memory until garbage is collected."""
        self._begin_to_look()

    def on_resize(self) -> None:
        """Draw everything for the new size."""
        self.call_after_refresh(self._paint)

    # Looking

    def _ask(self) -> None:
        """Have the run looked at under the dials as they stand now."""
        look = partial(self._looker.look, self._dials.settings, self._step, follows=self._follows)
        self._calls.ask(look)

    def _take_over(self, call: BackgroundCall[Look]) -> None:
        try:
            self._look = call.result()
        except PlaygroundError as error:
            self._look = None
            self._warn(str(error))
        else:
            if self._follows:
                self._step = self._look.index
        self._paint()
        self.looked()

    def looked(self) -> None:
        """Another look is there; the newest one, unless there are calls to come."""

    # Painting

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        self._paint_dials()
        self._paint_step()
        self.query_one(ScrubText).show(self._look, self._step)
        self.query_one("#scrub-legend", LinesView).update_rows([legend_row()])

    def _paint_dials(self) -> None:
        name, count = visible_prose(self._preset.name), len(self._run.token_ids)
        title: Row = [
            (" scrub", "bold " + CHOSEN),
            ("  what other settings would have made of this run", NUMBER),
            (f"  {name} · {count:,} tokens", DIM),
        ]
        title_bar = self.query_one("#scrub-title", LinesView)
        title_bar.update_rows([shorten(title, self.size.width)])
        alike = next((one for one in self._presets if self._dials.agrees_with(one.settings)), None)
        frame = self.query_one("#scrub-dials")
        name = "" if alike is None else f" · as {visible_prose(alike.name)}"
        frame.border_title = Content(f"settings{name}")
        self.query_one(DialList).show(
            self._known, self._dials, self._picked, self._vocabulary_size, "run"
        )
        self._paint_summary()

    def _paint_step(self) -> None:
        view = self.query_one("#scrub-step-rows", LinesView)
        count, texts = len(self._run.token_ids), self._run.start.texts
        at, divergence = None, None
        if self._look is not None:
            at, divergence = self._look.at, self._look.scrubbed.first_divergence
        view.update_rows(step_rows(at, self._step, count, texts, *view.size, divergence=divergence))
        self.query_one(StepMap).show(self._look, self._step)

    def _paint_summary(self) -> None:
        view = self.query_one("#scrub-summary", LinesView)
        row: Row = [("… ", "bold $text-warning")] if self._calls.is_busy else []
        if self._notice:
            row += self._notice
        elif self._look is not None:
            scrubbed = self._look.scrubbed
            is_own = scrubbed.settings == self._own
            row += summary_row(scrubbed, view.size.width - 2, is_own=is_own)
        elif self._calls.is_busy:
            row.append(("reading what the model weighed at every step", NUMBER))
        view.update_rows([shorten(row, view.size.width)])

    def _warn(self, sentence: str) -> None:
        self._notice = [("⚠ ", "$text-warning"), (visible_prose(sentence), NUMBER)]
