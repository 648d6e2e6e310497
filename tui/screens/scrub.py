"""Scrubbing: settings moved over a finished run, and what they would have changed, at once.

Must never run a model, and never computes on the app's thread: a thread of its own looks, a timer
asks whether it has, and of settings that come faster than that the newest win.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from core.errors import PlaygroundError
from core.logits_store import RecordedRun
from core.preset_book import Preset
from core.settings import Settings
from tui.newest_call import NewestCall
from tui.render import CHOSEN, DIM, NUMBER, Row, shorten
from tui.render_scrub import legend_row, step_rows, summary_row
from tui.screens.breakpoints import HEIGHTS, WIDTHS
from tui.screens.dialog import DialogScreen
from tui.screens.name_preset import NamePresetScreen
from tui.scrub_dials import DIALS, Dials
from tui.scrub_keys import HELP, KEYS
from tui.scrub_look import Look, Looker
from tui.visible import visible_prose
from tui.widgets.dial_list import DialList
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines_view import LinesView
from tui.widgets.scrub_text import ScrubText
from tui.widgets.step_map import StepMap

_LOOKS_PER_SECOND = 60


@dataclass(frozen=True, slots=True)
class ScrubResult:
    """What is to be run: ``settings``, from ``step`` of the run on (0 is its first).

    ``pick`` is the token that they would have picked there with the run's own dice, ``None`` where
    they leave none or nobody knows.
    """

    settings: Settings
    step: int
    pick: int | None = None


class ScrubScreen(Screen[ScrubResult | None]):
    """Gives what is to be run, or ``None``.

    ``save`` saves settings as a preset of a name, and says in a sentence that it did.
    """

    CSS_PATH = ["../styles/history.tcss", "../styles/scrub.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(
        self,
        run: RecordedRun,
        preset: Preset,
        presets: Sequence[Preset],
        step: int,
        save: Callable[[str, Settings], str],
    ) -> None:
        super().__init__()
        self._run = run
        self._preset = preset
        self._presets = [one for one in presets if one.settings.num_beams == 1]
        self._save = save
        self._vocabulary_size = max((one.vocabulary_size for one in run.steps if one), default=1)
        self._dials = Dials.of(run.start.settings)
        self._picked = 0
        self._step = max(0, min(step, len(run.token_ids) - 1))
        self._follows = True
        self._looker = Looker(run)
        self._calls: NewestCall[Look] = NewestCall("the run could not be scrubbed")
        self._look: Look | None = None
        self._notice: Row = []
        self._runs_when_done = False
        self._timer: Timer | None = None

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
        self._timer = self.set_interval(1 / _LOOKS_PER_SECOND, self._take_over, pause=True)
        self._ask()

    def on_resize(self) -> None:
        """Draw everything for the new size."""
        self.call_after_refresh(self._paint)

    # Looking

    def _ask(self) -> None:
        """Have the run looked at under the dials as they stand now."""
        look = partial(self._looker.look, self._dials.settings, self._step, follows=self._follows)
        self._calls.ask(look)
        if self._timer is not None:
            self._timer.resume()

    def _take_over(self) -> None:
        call = self._calls.finished()
        if call is None:
            return
        if not self._calls.is_busy and self._timer is not None:
            self._timer.pause()
        try:
            self._look = call.result()
        except PlaygroundError as error:
            self._look = None
            self._warn(str(error))
        else:
            if self._follows:
                self._step = self._look.index
        self._paint()
        if self._runs_when_done and not self._calls.is_busy:
            self.action_run()

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
        self.query_one(DialList).show(self._dials, self._picked, self._vocabulary_size)
        self._paint_summary()

    def _paint_step(self) -> None:
        view = self.query_one("#scrub-step-rows", LinesView)
        count, texts = len(self._run.token_ids), self._run.start.texts
        view.update_rows(step_rows(self._look, self._step, count, texts, *view.size))
        self.query_one(StepMap).show(self._look, self._step)

    def _paint_summary(self) -> None:
        view = self.query_one("#scrub-summary", LinesView)
        row: Row = [("… ", "bold $text-warning")] if self._calls.is_busy else []
        if self._notice:
            row += self._notice
        elif self._look is not None:
            scrubbed = self._look.scrubbed
            is_own = scrubbed.settings == self._run.start.settings
            row += summary_row(scrubbed, view.size.width - 2, is_own=is_own)
        elif self._calls.is_busy:
            row.append(("reading what the model weighed at every step", NUMBER))
        view.update_rows([shorten(row, view.size.width)])

    def _warn(self, sentence: str) -> None:
        self._notice = [("⚠ ", "$text-warning"), (visible_prose(sentence), NUMBER)]

    # What a person does to the settings

    def _turn(self, dials: Dials) -> None:
        """Take over other dials, and have them looked at."""
        self._notice = []
        self._runs_when_done = False
        if dials == self._dials:
            return
        if (
            dials.do_sample
            and not self._dials.do_sample
            and DIALS[self._picked].name != "do_sample"
        ):
            self._warn("do_sample is true now: without it nothing is drawn")
        self._dials = dials
        self._ask()
        self._paint_dials()

    def action_pick(self, offset: int) -> None:
        """Pick the next setting, or the one before."""
        self._picked = (self._picked + offset) % len(DIALS)
        self._notice = []
        self._paint_dials()

    @on(DialList.Picked)
    def _dial_clicked(self, event: DialList.Picked) -> None:
        self.action_pick(event.index - self._picked)

    def action_move(self, offset: int) -> None:
        """Move the setting a small step."""
        self._move(offset, is_large=False)

    def action_move_far(self, offset: int) -> None:
        """Move the setting a large step."""
        self._move(offset, is_large=True)

    def _move(self, offset: int, *, is_large: bool) -> None:
        dial = DIALS[self._picked]
        self._turn(self._dials.moved(dial, offset, self._vocabulary_size, is_large=is_large))

    def action_reset(self) -> None:
        """Give the setting back the value that the run had."""
        self._turn(self._dials.reset(DIALS[self._picked].name))

    def action_reset_all(self) -> None:
        """Give all settings back the values that the run had."""
        self._turn(Dials.of(self._run.start.settings))

    def action_next_preset(self, offset: int) -> None:
        """Take over the settings of the next preset, or of the one before."""
        if not self._presets:
            return
        alike = [
            at for at, one in enumerate(self._presets) if self._dials.agrees_with(one.settings)
        ]
        at = (alike[0] + offset if alike else 0 if offset > 0 else -1) % len(self._presets)
        self._turn(self._dials.with_preset(self._presets[at].settings))

    # What a person does to the step

    def _go(self, index: int) -> None:
        if not 0 <= index < len(self._run.token_ids):
            return
        self._step, self._follows, self._notice = index, False, []
        self._ask()
        self._paint()

    def action_step(self, offset: int) -> None:
        """Look at the next step, or the one before."""
        self._go(self._step + offset)

    @on(StepMap.StepClicked)
    @on(ScrubText.StepClicked)
    def _step_clicked(self, event: StepMap.StepClicked | ScrubText.StepClicked) -> None:
        self._go(event.index)

    def action_next_difference(self) -> None:
        """Look at the next step that would differ; after the last, at the first."""
        if self._look is None:
            return
        steps = self._look.scrubbed.steps
        differing = [one.index for one in steps if one is not None and one.differs]
        if not differing:
            self._warn("no step would differ; ←→ changes a setting")
            self._paint_summary()
            return
        self._go(next((at for at in differing if at > self._step), differing[0]))

    def action_first(self) -> None:
        """Look at the first divergence, and follow it from here on."""
        self._follows = True
        self._notice = []
        self._ask()
        self._paint_summary()

    def action_scroll_text(self, pages: int) -> None:
        """Scroll the text by pages."""
        text = self.query_one(ScrubText)
        text.scroll_relative(y=pages * max(1, text.size.height - 2), animate=False)

    # What comes of it

    def action_run(self) -> None:
        """Close with what is to be run, as soon as it is known where."""
        if self._calls.is_busy:
            self._runs_when_done = True
            return
        self._runs_when_done = False
        if self._look is None:
            return
        scrubbed = self._look.scrubbed
        at = scrubbed.first_divergence
        if at is None:
            is_own = scrubbed.settings == self._run.start.settings
            if is_own or None not in scrubbed.steps:
                self._warn("no step would differ, so there is nothing to run")
                self._paint_summary()
                return
            at = self._step  # where steps are no longer kept, nobody knows
        step = scrubbed.steps[at] if at < len(scrubbed.steps) else None
        self._close(ScrubResult(scrubbed.settings, at, None if step is None else step.pick))

    def action_save(self) -> None:
        """Ask for a name, and save the settings as a preset."""
        self._runs_when_done = False
        settings = self._dials.settings.replace(seed=self._preset.settings.seed)
        self.app.push_screen(NamePresetScreen(settings, self._save), self._saved)

    def _saved(self, sentence: str | None) -> None:
        if sentence is not None:
            self._notice = [("✓ ", "$text-success"), (visible_prose(sentence), NUMBER)]
            self._paint_summary()

    def action_keys(self) -> None:
        """Tell all keys, and what the marks mean."""
        self.app.push_screen(DialogScreen("scrubbing", HELP))

    def action_close(self) -> None:
        """Go back without a run."""
        self._close(None)

    def _close(self, result: ScrubResult | None) -> None:
        """Close once, however often the key is pressed."""
        if self.is_current:
            self.dismiss(result)
