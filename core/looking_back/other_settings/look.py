"""What a run, or one step of it, looks like for one position of dials, away from the screen.

Must never import a model library before it is asked, and never touches a widget. One call at a
time: what sweeps share is kept between them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from core.records.steps import Candidate

if TYPE_CHECKING:
    from core.looking_back.dice import Dice
    from core.looking_back.other_settings.scrub import Scrubbed, ScrubbedStep
    from core.looking_back.other_settings.sweep import Sweeper

MOST_ROWS = 40
"""How many tokens of a step are compared."""
_JUDGED_ROWS = 5
"""How many tokens are judged side by side, besides those that were and would be chosen."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One token at one step: under the run's settings, and under the scrubbed ones."""

    own: Candidate
    scrubbed: Candidate

    @property
    def token_id(self) -> int:
        """Which token it is."""
        return self.own.token_id


@dataclass(frozen=True, slots=True)
class StepLook:
    """Step ``index`` in detail, under other settings.

    ``step`` is what would have become of it. ``rows`` are the likeliest tokens, and the recorded
    one and the pick in any case. Where the step is not known, or cannot be explained, they are
    ``None`` and empty; ``fault`` tells why in a sentence.
    """

    index: int
    step: ScrubbedStep | None = None
    rows: tuple[Compared, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A run under other settings, and a step of it in detail."""

    scrubbed: Scrubbed
    at: StepLook

    @property
    def index(self) -> int:
        """Which step is looked at in detail."""
        return self.at.index


@dataclass(frozen=True, slots=True)
class Judged:
    """What one of several settings makes of a step.

    ``candidates`` are the same tokens for all of them, likeliest first, each with what these
    settings left of it; ``pick`` is the token that they would choose with the run's dice, ``None``
    where none is left. Where they cannot be told, ``fault`` says why and there are none.
    """

    candidates: tuple[Candidate, ...] = ()
    pick: int | None = None
    fault: str = ""


class Looker:
    """Looks at one run."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._sweeper: Sweeper | None = None
        self._scrubbed: Scrubbed | None = None
        self._dice: tuple[int, Dice] | None = None

    def look(self, settings: Settings, index: int, *, follows: bool) -> Look:
        """Return the run under ``settings``, with step ``index`` in detail.

        With ``follows``, the step in detail is the first divergence, if there is one.

        Raises:
            PlaygroundError: The settings search with beams.
        """
        scrubbed = self._scrub(settings)
        if follows and scrubbed.first_divergence is not None:
            index = scrubbed.first_divergence
        if not self._run.token_ids:
            return Look(scrubbed, StepLook(index, fault="the run has no steps"))
        return Look(scrubbed, self._step_look(settings, scrubbed.steps[index], index))

    def look_at_step(self, settings: Settings, index: int) -> StepLook:
        """Return step ``index`` under ``settings``, without a look at the others.

        The dice are those of the settings' seed, where they have one. What a person chose stays.

        Raises:
            PlaygroundError: The settings search with beams.
        """
        from core.looking_back.other_settings.scrub import ScrubbedStep
        from core.looking_back.other_settings.sweep import plain_step

        token_id = self._run.token_ids[index]
        try:
            swept = plain_step(self._run, index, settings, self._dice_of(settings))
        except PlaygroundError as error:
            return StepLook(index, fault=str(error))
        is_forced = index in self._run.forced
        pick = token_id if is_forced else swept.pick
        cut_by = None if is_forced else swept.cut_by
        step = ScrubbedStep(index, token_id, pick, cut_by, is_hypothetical=False)
        return self._step_look(settings, step, index)

    def judge(self, index: int, settings: Sequence[Settings]) -> tuple[Judged, ...]:
        """Return what each of ``settings`` makes of step ``index``; beams, as of a single text."""
        settings = [one.without_beams() for one in settings]
        looks = [self.look_at_step(one, index) for one in settings]
        shown = {self._run.token_ids[index]}
        for look in looks:
            if look.step is not None and look.step.pick is not None:
                shown.add(look.step.pick)
            shown |= {one.token_id for one in look.rows[:_JUDGED_ROWS]}
        return tuple(
            self._judged(look, one, shown) for look, one in zip(looks, settings, strict=True)
        )

    def _judged(self, look: StepLook, settings: Settings, shown: set[int]) -> Judged:
        from core.looking_back.explain import look_up

        if look.fault or look.step is None:
            return Judged(fault=look.fault)
        known = {one.token_id: one.scrubbed for one in look.rows}
        candidates = [
            known.get(one) or look_up(self._run, look.index, one, settings) for one in shown
        ]
        candidates.sort(key=lambda one: (-one.logprob, one.token_id))
        return Judged(tuple(candidates), look.step.pick)

    def _step_look(self, settings: Settings, step: ScrubbedStep | None, index: int) -> StepLook:
        try:
            rows = self._compare(settings, index, None if step is None else step.pick)
        except PlaygroundError as error:
            return StepLook(index, step, fault=str(error))
        return StepLook(index, step, rows)

    def _dice_of(self, settings: Settings) -> Dice:
        from core.looking_back.dice import Dice

        start = self._run.start
        seed = start.seed if settings.seed is None else settings.seed
        if self._dice is None or self._dice[0] != seed:
            run = self._run
            if seed != start.seed:
                steps = [one and dataclasses.replace(one, dice=None) for one in run.steps]
                start = dataclasses.replace(start, seed=seed)
                run = dataclasses.replace(run, start=start, steps=tuple(steps))
            self._dice = seed, Dice(run)
        return self._dice[1]

    def _scrub(self, settings: Settings) -> Scrubbed:
        from core.looking_back.other_settings.scrub import scrub
        from core.looking_back.other_settings.sweep import Sweeper

        if self._sweeper is None:
            self._sweeper = Sweeper(self._run)
        if self._scrubbed is None or self._scrubbed.settings != settings:
            self._scrubbed = scrub(self._sweeper, settings)
        return self._scrubbed

    def _compare(self, settings: Settings, index: int, pick: int | None) -> tuple[Compared, ...]:
        from core.looking_back.explain import explain, look_up

        own = explain(self._run, index, rows=MOST_ROWS)
        scrubbed = explain(self._run, index, settings, rows=MOST_ROWS)
        rows = [Compared(*pair) for pair in zip(own.rows, scrubbed.rows, strict=True)]
        if all(one.token_id != own.token.token_id for one in rows):
            rows.append(Compared(own.token, scrubbed.token))
        if pick is not None and all(one.token_id != pick for one in rows):
            pair = (look_up(self._run, index, pick), look_up(self._run, index, pick, settings))
            rows.append(Compared(*pair))
        return tuple(sorted(rows, key=lambda one: -one.own.logprob))
