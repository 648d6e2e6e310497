"""Scrubbing: settings moved over a finished run, and what they would have changed, at once.

Must never look at a run or draw by itself: the page that it builds on does. Here is what a person
does, and what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import BindingType

from core.looking_back.other_settings.dials import Dials
from core.presets.book import Preset
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.dials.list import DialList
from tui.common.step_rows import NUMBER
from tui.common.visible import visible_prose
from tui.inputs.name_preset import NamePresetScreen
from tui.scrub.page import ScrubPage
from tui.scrub.step_map import StepMap
from tui.scrub.text import ScrubText


@dataclass(frozen=True, slots=True)
class ScrubResult:
    """What is to be run: ``settings``, from ``step`` of the run on (0 is its first)."""

    settings: Settings
    step: int


class ScrubScreen(ScrubPage[ScrubResult | None]):
    """Gives what is to be run, or ``None``.

    ``save`` saves settings as a preset of a name, and says in a sentence that it did.
    """

    PAGE = "scrubbing"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        run: RecordedRun,
        preset: Preset,
        presets: Sequence[Preset],
        step: int,
        save: Callable[[str, Settings], str],
        own: Settings | None = None,
    ) -> None:
        super().__init__(run, preset, presets, step, own)
        self._save = save
        self._runs_when_done = False
        self._taken: int | None = None

    def looked(self) -> None:
        """Run what was asked for while it was not yet known where."""
        if self._runs_when_done and not self._calls.is_busy:
            self.action_run()

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
            and self._known[self._picked].name != "do_sample"
        ):
            self._warn("do_sample is true now: without it nothing is drawn")
        self._dials = dials
        self._ask()
        self._paint_dials()

    def action_pick(self, offset: int) -> None:
        """Pick the next setting, or the one before."""
        self._picked = (self._picked + offset) % len(self._known)
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
        dial = self._known[self._picked]
        self._turn(self._dials.moved(dial, offset, self._vocabulary_size, is_large=is_large))

    def action_reset(self) -> None:
        """Give the setting back the value that the run had."""
        self._turn(self._dials.reset(self._known[self._picked].name))

    def action_reset_all(self) -> None:
        """Give all settings back the values that the run had."""
        self._turn(Dials.of(self._own))

    def action_next_preset(self, offset: int) -> None:
        """Take over the settings of the next preset, or of the one before."""
        if not self._presets:
            return
        alike = [
            at for at, one in enumerate(self._presets) if self._dials.agrees_with(one.settings)
        ]
        # Of several that choose alike, the one that was taken over last.
        here = self._taken if self._taken in alike else next(iter(alike), None)
        at = (0 if offset > 0 else -1) if here is None else here + offset
        at = self._taken = at % len(self._presets)
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
            is_own = scrubbed.settings == self._own
            if is_own or None not in scrubbed.steps:
                self._warn("no step would differ, so there is nothing to run")
                self._paint_summary()
                return
            at = self._step  # where steps are no longer kept, nobody knows
        self._close(ScrubResult(scrubbed.settings, at))

    def action_save(self) -> None:
        """Ask for a name, and save the settings as a preset."""
        self._runs_when_done = False
        settings = self._dials.settings.replace(seed=self._preset.settings.seed)
        self.app.push_screen(NamePresetScreen(settings, self._save), self._saved)

    def _saved(self, sentence: str | None) -> None:
        if sentence is not None:
            self._notice = [("✓ ", "$text-success"), (visible_prose(sentence), NUMBER)]
            self._paint_summary()

    def action_close(self) -> None:
        """Go back without a run."""
        self._close(None)

    def _close(self, result: ScrubResult | None) -> None:
        """Close once, however often the key is pressed."""
        if self.is_current:
            self.dismiss(result)
