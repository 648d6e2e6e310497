"""What a beam search decided at a step: what each beam had to offer, and what became of it.

Must never import torch: it reads the records of a run, and tells nothing that they do not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    Hypothesis,
    Step,
    TokenStep,
)
from core.text.token_ids import common_length

Fate = Literal["live", "finished", "dropped", "cut", "outside"]
"""``cut``: a setting removed the token. ``outside``: too far behind to be compared at all."""

OUTSCORED = "outscored"
"""Why a beam is given up that had not ended."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One token that a beam might have gone on with.

    ``score`` is the summed log-probability with it, ``None`` where a setting removed it. ``place``
    is its rank, from 1, among the live or the finished beams; ``reason`` says why it was dropped.
    ``short`` is by how much it was dropped or is too far behind, see ``lost_by``.
    """

    candidate: Candidate
    score: float | None
    fate: Fate
    place: int = 0
    reason: str = ""
    short: float | None = None


@dataclass(frozen=True, slots=True)
class ParentBeam:
    """A beam of the step before with its contenders, likeliest first.

    ``rank`` begins at 1; ``hypothesis`` is ``None`` for the prompt alone, from which all begin.
    """

    rank: int
    hypothesis: Hypothesis | None
    contenders: tuple[Contender, ...]

    @property
    def score(self) -> float:
        """The summed log-probability of the beam."""
        return 0.0 if self.hypothesis is None else self.hypothesis.score


def contest(step: BeamStep, previous: BeamStep | None) -> tuple[ParentBeam, ...]:
    """Return the beams that ``step`` began from, the best first, and what each had to offer."""
    parents: Sequence[Hypothesis | None] = previous.hypotheses if previous is not None else (None,)
    outcomes = _outcomes(step)
    return tuple(
        ParentBeam(place + 1, parent, tuple(_contenders(step, place, parent, weighed, outcomes)))
        for place, (parent, weighed) in enumerate(zip(parents, step.distributions, strict=False))
    )


_Outcomes = dict[tuple[int, int], Contender]
"""What became of a parent's token, by the parent's place and the token's id."""


def _outcomes(step: BeamStep) -> _Outcomes:
    found: _Outcomes = {}

    def add(
        one: Hypothesis, fate: Fate, place: int = 0, reason: str = "", short: float | None = None
    ) -> None:
        if grew_at(step, one):
            key = one.parent, one.token.token_id
            found[key] = Contender(one.token, one.score, fate, place, reason, short)

    for place, one in enumerate(step.hypotheses, 1):
        add(one, "live", place)
    for dropped in step.dropped:
        short = lost_by(step, dropped)
        add(dropped.hypothesis, "dropped", reason=dropped.reason, short=short)
    # At the last step the finished ones stand among the live ones too.
    for place, one in enumerate(step.finished, 1):
        add(one, "finished", place)
    return found


def grew_at(step: BeamStep, one: Hypothesis) -> bool:
    """Whether the last token of ``one`` was added at ``step``.

    What ended before is still among the step's beams; its parent is one of an earlier step.
    """
    return len(one.token_ids) == step.index + 1


def _contenders(
    step: BeamStep,
    place: int,
    parent: Hypothesis | None,
    weighed: Distribution,
    outcomes: _Outcomes,
) -> Iterator[Contender]:
    shown = {one.token_id for one in weighed.candidates}
    before = 0.0 if parent is None else parent.score
    for one in weighed.candidates:
        if (place, one.token_id) in outcomes:
            yield outcomes[place, one.token_id]
        elif one.final_logprob is None:
            yield Contender(one, None, "cut")
        else:
            score = before + one.final_logprob
            yield Contender(one, score, "outside", short=_short(step, score))
    for (of, token_id), contender in outcomes.items():
        if of == place and token_id not in shown:
            yield contender


def lost_by(step: BeamStep, dropped: DroppedHypothesis) -> float | None:
    """Return how much the sum of a beam that was outscored is less than that of the last live one.

    ``None`` for one that was given up for another reason.
    """
    return _short(step, dropped.hypothesis.score) if dropped.reason == OUTSCORED else None


def _short(step: BeamStep, score: float) -> float | None:
    """Return by how much the sum ``score`` is less than that of what lives on last, if it is."""
    live = [one.score for one in step.hypotheses if grew_at(step, one)]
    return live[-1] - score if live and live[-1] >= score else None


def tokens_in_common(step: BeamStep) -> int:
    """Return with how many tokens all live beams begin alike: so much is decided."""
    rows = [one.token_ids for one in step.hypotheses]
    if not rows:
        return 0
    return common_length(min(rows), max(rows))


def place_of_winner(step: BeamStep, token_ids: Sequence[int]) -> int:
    """Return which live beam, from 1, became the text ``token_ids``; 0 where none did."""
    for place, one in enumerate(step.hypotheses, 1):
        if one.token_ids == tuple(token_ids[: len(one.token_ids)]):
            return place
    return 0


def next_change_of_lead(steps: Sequence[Step], index: int) -> int | None:
    """Return the next step after ``index`` whose best beam does not continue the best one before.

    The text that a person reads is revised there. ``None`` where there is no such step.
    """
    for previous, step in pairwise(steps[max(index, 0) :]):
        if isinstance(step, BeamStep) and has_new_lead(step, previous):
            return step.index
    return None


def has_new_lead(step: BeamStep, previous: Step | None) -> bool:
    """Whether the best beam of ``step`` is no continuation of the best one of ``previous``."""
    if not isinstance(previous, BeamStep):
        return False
    led = previous.hypotheses[0].token_ids
    return step.hypotheses[0].token_ids[: len(led)] != led


def text_beyond(steps: Sequence[Step], hypothesis: Hypothesis, token_ids: Sequence[int]) -> str:
    """Return the text of ``hypothesis`` behind the tokens that it has in common with ``token_ids``.

    ``steps`` are those of its run.
    """
    common = common_length(hypothesis.token_ids, token_ids)
    ancestor: Hypothesis = hypothesis
    for length in range(len(hypothesis.token_ids) - 1, common - 1, -1):
        if not length:
            return hypothesis.text
        before = steps[length - 1]
        if isinstance(before, TokenStep):  # all beams begin with what a person put first
            put = (step.text for step in steps[:length] if isinstance(step, TokenStep))
            return hypothesis.text[len("".join(put)) :]
        if ancestor.parent >= len(before.hypotheses):
            return hypothesis.text
        ancestor = before.hypotheses[ancestor.parent]
    return hypothesis.text[len(ancestor.text) :]
