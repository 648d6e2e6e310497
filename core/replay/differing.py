"""Where a run and the same run made again begin to differ.

Must never take rounding for a difference, nor pass over one that is larger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.document.export.reading import ExportedRun
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    EngineChanged,
    Finished,
    Hypothesis,
    Step,
    TokenStep,
)
from core.replay.again import Again

TOLERANCE = 1e-4
"""Of probabilities, 0 to 1, and of a beam's score as a part of it: float32 rounds far less."""

TOLERANCE_16_BIT = 0.05
"""The same where one of the two runs was computed in 16 bit, which keeps two or three digits."""

Kind = Literal["token", "beams", "probability", "final probability", "score", "text", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its id and what it stands for."""

    token_id: int
    text: str


Value = Token | float | str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that is not as it was: at step ``index``, from 0, or behind the last one.

    ``then`` and ``now`` are the tokens chosen, the texts of the first beams that differ, a
    candidate's probabilities (0 to 1), a beam's scores, the whole texts, or the reasons of the
    end; ``None`` stands for a candidate that is not among those shown, and for a run that goes on
    there. ``candidate`` is whose figure it is, for figures alone.
    """

    index: int
    kind: Kind
    then: Value
    now: Value
    candidate: Token | None = None


def tolerance_of(*dtypes: str | None) -> float:
    """Return how far figures of runs in these dtypes, by torch's names, may lie apart."""
    return TOLERANCE_16_BIT if {"float16", "bfloat16"} & set(dtypes) else TOLERANCE


def first_difference(
    run: ExportedRun, again: Iterator[Again], tolerance: float
) -> Difference | None:
    """Return where ``run`` and what comes ``again`` begin to differ; ``None``: nowhere.

    A run that was stopped, or that failed, is compared as far as it came. ``again`` is read no
    further than needed.
    """
    events = (event for event in again if not isinstance(event, EngineChanged))
    for index, then in enumerate(run.steps):
        now = next(events, None)
        if now is None or isinstance(now, Finished):
            return Difference(index, "end", None, now.reason if now is not None else None)
        found = _step_difference(index, then, now, tolerance)
        if found is not None:
            return found
    if run.finished.reason in ("cancelled", "failed"):
        return None
    return _end_difference(len(run.steps), run.finished, next(events, None), tolerance)


def _end_difference(
    index: int, then: Finished, now: Again | None, tolerance: float
) -> Difference | None:
    if not isinstance(now, Finished):
        return Difference(index, "end", then.reason, None)
    if then.reason != now.reason:
        return Difference(index, "end", then.reason, now.reason)
    if then.token_ids != now.token_ids:
        return Difference(index, "text", then.text, now.text)
    if not _is_close(then.score, now.score, tolerance):
        return Difference(index, "score", then.score, now.score)
    return None


def _step_difference(index: int, then: Step, now: Again, tolerance: float) -> Difference | None:
    if isinstance(then, TokenStep) and isinstance(now, TokenStep):
        if then.token.token_id != now.token.token_id:
            return Difference(index, "token", _token(then.token), _token(now.token))
        return _candidate_difference(
            index, then.token, now.token, tolerance
        ) or _distribution_difference(index, then.distribution, now.distribution, tolerance)
    if isinstance(then, BeamStep) and isinstance(now, BeamStep):
        return _beams_difference(index, then, now, tolerance)
    return Difference(index, "beams", _written(then), _written(now))


def _distribution_difference(
    index: int, then: Distribution, now: Distribution, tolerance: float, *, beams: bool = False
) -> Difference | None:
    known = {one.token_id: one for one in now.candidates}
    least = min((one.probability for one in now.candidates), default=0.0)
    for one in then.candidates:
        other = known.get(one.token_id)
        if other is not None:
            found = _candidate_difference(index, one, other, tolerance, beams=beams)
        elif one.probability > least + tolerance:  # else two of nearly one probability
            found = Difference(index, "probability", one.probability, None, _token(one))
        else:
            found = None
        if found is not None:
            return found
    return None


def _candidate_difference(
    index: int, then: Candidate, now: Candidate, tolerance: float, *, beams: bool = False
) -> Difference | None:
    """Compare two figures of one token; of ``beams`` the final one is part of a score."""
    if abs(then.probability - now.probability) > tolerance:
        return Difference(index, "probability", then.probability, now.probability, _token(then))
    finals = then.final_probability, now.final_probability
    if not beams and abs(finals[0] - finals[1]) > tolerance:
        return Difference(index, "final probability", *finals, _token(then))
    return None


def _beams_difference(
    index: int, then: BeamStep, now: BeamStep, tolerance: float
) -> Difference | None:
    for ours, theirs in ((then.hypotheses, now.hypotheses), (then.finished, now.finished)):
        for one, other in zip(ours, theirs, strict=False):
            found = _hypothesis_difference(index, one, other, tolerance)
            if found is not None:
                return found
        if len(ours) != len(theirs):
            more = max(ours, theirs, key=len)[min(len(ours), len(theirs))].text
            texts = (more, None) if len(ours) > len(theirs) else (None, more)
            return Difference(index, "beams", *texts)
    for weighed, weighed_now in zip(then.distributions, now.distributions, strict=False):
        found = _distribution_difference(index, weighed, weighed_now, tolerance, beams=True)
        if found is not None:
            return found
    return None


def _hypothesis_difference(
    index: int, then: Hypothesis, now: Hypothesis, tolerance: float
) -> Difference | None:
    if then.token_ids != now.token_ids:
        return Difference(index, "beams", then.text, now.text)
    if not _is_close(then.score, now.score, tolerance):
        return Difference(index, "score", then.score, now.score, _token(then.token))
    return None


def _is_close(then: float | None, now: float | None, tolerance: float) -> bool:
    if then is None or now is None:
        return then is now
    return math.isclose(then, now, rel_tol=tolerance, abs_tol=tolerance)


def _token(one: Candidate) -> Token:
    return Token(one.token_id, one.text)


def _written(step: Step | Again) -> str | None:
    if isinstance(step, BeamStep):
        return step.hypotheses[0].text
    return step.token.text if isinstance(step, TokenStep) else None
