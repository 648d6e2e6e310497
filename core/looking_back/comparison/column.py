"""One column: what was planned, the steps that have come, and what stands in it now.

Must never ask why a step went as it went: that is for ``causes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.records.comparison import ColumnPlan, InTurn
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    EngineChanged,
    Event,
    Finished,
    Hypothesis,
    NextToken,
    Started,
    Step,
    written,
)


@dataclass(frozen=True, slots=True)
class ChosenToken:
    """One token of a column's text, and what was weighed in its place.

    Of beams it is the winner's, or the best live one's while the search goes on, weighed by the
    beam that it grew from.
    """

    token: Candidate
    distribution: Distribution


@dataclass(slots=True)
class Column:
    """A run among those side by side, filled in as its events come.

    ``in_turn`` says why it shares no pass with others, and is empty where it does.
    """

    plan: ColumnPlan
    in_turn: str = ""
    started: Started | None = None
    steps: list[Step] = field(default_factory=list)
    finished: Finished | None = None

    def take(self, event: Event | InTurn) -> None:
        """Take what has come."""
        if isinstance(event, InTurn):
            self.in_turn = event.reason
        elif isinstance(event, Started):
            self.started = event
        elif isinstance(event, Finished):
            self.finished = event
        elif not isinstance(event, NextToken | EngineChanged):
            self.steps.append(event)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The generated token ids: of beams the best live one's while the search goes on.

        What came before a fault is still there.
        """
        if self.finished is not None and self.finished.reason != "failed":
            return self.finished.token_ids
        return written(self.steps)[0]

    @property
    def text(self) -> str:
        """The generated text; see ``token_ids``."""
        if self.finished is not None and self.finished.reason != "failed":
            return self.finished.text
        return written(self.steps)[1]

    @property
    def has_beams(self) -> bool:
        """Whether it searches with beams."""
        return self.plan.request.settings.num_beams > 1

    def chosen(self) -> tuple[ChosenToken, ...]:
        """Return the tokens of its text, in their order, with what was weighed for each."""
        token_ids = self.token_ids
        chosen: list[ChosenToken] = []
        for step, _ in zip(self.steps, token_ids, strict=False):
            if isinstance(step, BeamStep):
                beam = _grown(step, token_ids[: len(chosen) + 1])
                if beam is None:
                    break
                chosen.append(ChosenToken(beam.token, step.distributions[beam.parent]))
            else:
                chosen.append(ChosenToken(step.token, step.distribution))
        return tuple(chosen)


def _grown(step: BeamStep, token_ids: Sequence[int]) -> Hypothesis | None:
    """Return the beam with the text ``token_ids`` that grew at ``step``."""
    dropped = (one.hypothesis for one in step.dropped)
    beams = (*step.hypotheses, *step.finished, *dropped)
    return next((one for one in beams if one.token_ids == token_ids), None)


class Comparison:
    """Columns side by side; the first one is what the others are held against."""

    def __init__(self, plans: Sequence[ColumnPlan]) -> None:
        self.columns = tuple(Column(plan) for plan in plans)

    @property
    def is_over(self) -> bool:
        """Whether every column has ended."""
        return all(column.finished is not None for column in self.columns)

    @property
    def baseline(self) -> Column:
        """The first column."""
        return self.columns[0]
