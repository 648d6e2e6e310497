"""What the scrubbing of a run shows for one position of its dials, computed away from the screen.

Must never import a model library before it is asked, and never touches a widget. One call at a
time: what sweeps share is kept between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from core.records.steps import Candidate

if TYPE_CHECKING:
    from core.looking_back.other_settings.scrub import Scrubbed, ScrubbedStep
    from core.looking_back.other_settings.sweep import Sweeper

MOST_ROWS = 40
"""How many tokens of a step are compared."""


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
class Look:
    """A run under other settings, and step ``index`` in detail.

    ``rows`` are the likeliest tokens, and the recorded one and the pick in any case; empty where
    the step cannot be explained, which ``fault`` tells in a sentence.
    """

    scrubbed: Scrubbed
    index: int
    rows: tuple[Compared, ...]
    fault: str = ""

    @property
    def step(self) -> ScrubbedStep | None:
        """The step in detail, ``None`` where it is not known."""
        steps = self.scrubbed.steps
        return steps[self.index] if 0 <= self.index < len(steps) else None


class Looker:
    """Looks at one run."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._sweeper: Sweeper | None = None
        self._scrubbed: Scrubbed | None = None

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
            return Look(scrubbed, index, (), "the run has no steps")
        step = scrubbed.steps[index]
        try:
            rows = self._compare(settings, index, None if step is None else step.pick)
        except PlaygroundError as error:
            return Look(scrubbed, index, (), str(error))
        return Look(scrubbed, index, rows)

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
