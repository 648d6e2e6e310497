"""JSON objects back to the records of a run: what ``writers.event_record`` wrote, field by field.

Must never import torch, and never trusts an object: each field is of its kind, or that is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from core.records.steps import (
    BeamStep,
    Candidate,
    ChosenBy,
    Distribution,
    DroppedHypothesis,
    EngineChanged,
    Event,
    Finished,
    FinishReason,
    Hypothesis,
    NextToken,
    Started,
    TokenStep,
)


def event_from_record(record: object) -> Event:
    """Return the record that ``writers.event_record`` made ``record`` of.

    It is the same but for times, which are not written: ``elapsed`` is 0. What was no finite number
    is what it can only have been: minus infinity of a log-probability.

    Raises:
        ValueError: It is no such object; the text says which field is at fault.
    """
    fields = _Fields(record)
    kind = fields.text("type")
    if kind == "started":
        return _started(fields)
    if kind == "step":
        return _token_step(fields)
    if kind == "beam_step":
        return _beam_step(fields)
    if kind == "next_token":
        return NextToken(_distribution(fields))
    if kind == "engine_changed":
        return EngineChanged(fields.text("engine"))
    if kind == "finished":
        return _finished(fields)
    raise ValueError("'type' is none that is known")


def _started(fields: _Fields) -> Started:
    return Started(
        context_token_ids=fields.token_ids("context_token_ids"),
        prompt_token_ids=fields.token_ids("prompt_token_ids"),
        max_new_tokens=fields.count("max_new_tokens"),
        context_size=None if fields.is_missing("context_size") else fields.count("context_size"),
        seed=fields.count("seed"),
        dropped_turns=fields.count("dropped_turns", 0),
    )


def _token_step(fields: _Fields) -> TokenStep:
    token = _candidate(fields.part("token"))
    chosen_by: ChosenBy = "settings"
    if fields.choice("chosen_by", get_args(ChosenBy), chosen_by) == "person":
        chosen_by = "person"
    return TokenStep(
        index=fields.count("index"),
        token=token,
        distribution=_distribution(fields),
        text=fields.text("text", token.text),
        elapsed=0.0,
        chosen_by=chosen_by,
        is_special=fields.flag("is_special"),
    )


def _beam_step(fields: _Fields) -> BeamStep:
    return BeamStep(
        index=fields.count("index"),
        hypotheses=tuple(map(_hypothesis, fields.parts("hypotheses"))),
        finished=tuple(map(_hypothesis, fields.parts("finished"))),
        dropped=tuple(
            DroppedHypothesis(_hypothesis(one), one.text("reason"))
            for one in fields.parts("dropped")
        ),
        distributions=tuple(_distribution(one) for one in fields.parts("distributions")),
        elapsed=0.0,
    )


def _finished(fields: _Fields) -> Finished:
    reasons: tuple[FinishReason, ...] = get_args(FinishReason)
    reason = fields.choice("reason", reasons)
    return Finished(
        reason=next(one for one in reasons if one == reason),
        token_ids=fields.token_ids("token_ids"),
        text=fields.text("text"),
        tokens_per_second=fields.number("tokens_per_second", 0.0),
        score=fields.number("score", -math.inf) if "score" in fields else None,
        detail=fields.text("detail", ""),
        drafted_tokens=fields.count("drafted_tokens", 0),
        accepted_tokens=fields.count("accepted_tokens", 0),
    )


def _hypothesis(fields: _Fields) -> Hypothesis:
    return Hypothesis(
        token_ids=fields.token_ids("token_ids"),
        text=fields.text("text"),
        score=fields.number("score", -math.inf),
        normalized_score=fields.number("normalized_score", -math.inf),
        parent=fields.count("parent"),
        token=_candidate(fields.part("token")),
        is_special=fields.flag("is_special"),
    )


def _distribution(fields: _Fields) -> Distribution:
    return Distribution(
        candidates=tuple(map(_candidate, fields.parts("candidates"))),
        entropy=fields.number("entropy", math.nan),
        kept=fields.count("kept"),
    )


def _candidate(fields: _Fields) -> Candidate:
    final = "final_score" if "final_score" in fields else "final_logprob"
    return Candidate(
        token_id=fields.count("token_id"),
        text=fields.text("text"),
        logprob=fields.number("logprob", -math.inf),
        final_logprob=None if fields.is_missing(final) else fields.number(final),
        rank=fields.count("rank"),
        cut_by=None if fields.is_missing("cut_by") else fields.text("cut_by"),
    )


class _Fields:
    """A JSON object, asked for its fields by the kind that each must be of.

    What is asked for raises ``ValueError`` where it is missing or of another kind.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise ValueError("what should be an object is none")  # noqa: TRY004 - for the caller
        self._values: Mapping[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_missing(self, name: str) -> bool:
        return self._values.get(name) is None

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise self._fault(name)
        return value

    def choice(self, name: str, known: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in known:
            raise self._fault(name)
        return value

    def count(self, name: str, default: int | None = None) -> int:
        value = self._values.get(name, default)
        if not _is_count(value):
            raise self._fault(name)
        return int(value)

    def number(self, name: str, null: float | None = None) -> float:
        """Return a finite number, or ``null``, if there is one, for JSON's ``null``."""
        value = self._values.get(name, "")
        if value is None and null is not None:
            return null
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            if is_number and math.isfinite(value):
                return float(value)
        except OverflowError:
            pass  # a whole number that is too large
        raise self._fault(name)

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self._fault(name)
        return value

    def token_ids(self, name: str) -> tuple[int, ...]:
        value = self._values.get(name)
        if not isinstance(value, list) or not all(map(_is_count, value)):
            raise self._fault(name)
        return tuple(value)

    def part(self, name: str) -> _Fields:
        return _Fields(self._values.get(name))

    def parts(self, name: str) -> list[_Fields]:
        value = self._values.get(name)
        if not isinstance(value, list):
            raise self._fault(name)
        return [_Fields(one) for one in value]

    def _fault(self, name: str) -> ValueError:
        fault = "is missing" if name not in self._values else "is of another kind"
        return ValueError(f"{name!r} {fault}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
