"""JSON objects back to the records of a run: what ``writers.event_record`` wrote, field by field.

Must never import torch, and never trusts an object: each field is of its kind, or that is told.
"""

from __future__ import annotations

import math
from typing import get_args

from core.files.fields import Fields
from core.records.chat import ChatFormat, Message, Role
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

    Of a ``whole`` record it is the same. Of any other it is the same but for times, which are not
    written: ``elapsed`` is 0. What was no finite number is then what it can only have been: minus
    infinity of a log-probability.

    Raises:
        ValueError: It is no such object; the text says which field is at fault.
    """
    fields = Fields(record)
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


def chat_from_fields(fields: Fields) -> ChatFormat:
    """Return how a conversation is written down, from the fields of a ``ChatFormat``.

    Raises:
        ValueError: One is missing or of another kind; the text says which.
    """
    return ChatFormat(
        opening=fields.text("opening"),
        user=fields.text("user"),
        assistant=fields.text("assistant"),
        stop_strings=fields.texts("stop_strings"),
    )


def messages_from_fields(fields: Fields) -> tuple[Message, ...]:
    """Return what was said in a conversation, from the field ``messages``; none where it is absent.

    Raises:
        ValueError: One is of another kind; the text says of which field.
    """
    if fields.is_missing("messages"):
        return ()
    roles: tuple[Role, ...] = get_args(Role)
    parts = fields.parts("messages")
    return tuple(Message(one.choice("role", roles), one.text("content")) for one in parts)


def _started(fields: Fields) -> Started:
    return Started(
        context_token_ids=fields.token_ids("context_token_ids"),
        prompt_token_ids=fields.token_ids("prompt_token_ids"),
        max_new_tokens=fields.count("max_new_tokens"),
        context_size=fields.count_or_none("context_size"),
        seed=fields.count("seed"),
        dropped_turns=fields.count("dropped_turns", 0),
        drawn=fields.count("drawn", 0),
        counted=fields.count("counted", 0),
    )


def _token_step(fields: Fields) -> TokenStep:
    token = _candidate(fields.part("token"))
    choosers: tuple[ChosenBy, ...] = get_args(ChosenBy)
    return TokenStep(
        index=fields.count("index"),
        token=token,
        distribution=_distribution(fields),
        text=fields.text("text", token.text),
        elapsed=fields.number("elapsed", 0.0) if "elapsed" in fields else 0.0,
        chosen_by=fields.choice("chosen_by", choosers, "settings"),
        is_special=fields.flag("is_special"),
    )


def _beam_step(fields: Fields) -> BeamStep:
    hypotheses = tuple(map(_hypothesis, fields.parts("hypotheses")))
    if not hypotheses:
        raise ValueError("'hypotheses' has none")
    return BeamStep(
        index=fields.count("index"),
        hypotheses=hypotheses,
        finished=tuple(map(_hypothesis, fields.parts("finished"))),
        dropped=tuple(
            DroppedHypothesis(_hypothesis(one), one.text("reason"))
            for one in fields.parts("dropped")
        ),
        distributions=tuple(_distribution(one) for one in fields.parts("distributions")),
        elapsed=fields.number("elapsed", 0.0) if "elapsed" in fields else 0.0,
    )


def _finished(fields: Fields) -> Finished:
    reasons: tuple[FinishReason, ...] = get_args(FinishReason)
    return Finished(
        reason=fields.choice("reason", reasons),
        token_ids=fields.token_ids("token_ids"),
        text=fields.text("text"),
        tokens_per_second=fields.number("tokens_per_second", math.nan),
        score=fields.number("score", -math.inf) if "score" in fields else None,
        detail=fields.text("detail", ""),
        drafted_tokens=fields.count("drafted_tokens", 0),
        accepted_tokens=fields.count("accepted_tokens", 0),
    )


def _hypothesis(fields: Fields) -> Hypothesis:
    return Hypothesis(
        token_ids=fields.token_ids("token_ids"),
        text=fields.text("text"),
        score=fields.number("score", -math.inf),
        normalized_score=fields.number("normalized_score", -math.inf),
        parent=fields.count("parent"),
        token=_candidate(fields.part("token")),
        is_special=fields.flag("is_special"),
    )


def _distribution(fields: Fields) -> Distribution:
    return Distribution(
        candidates=tuple(map(_candidate, fields.parts("candidates"))),
        entropy=fields.number("entropy", math.nan),
        kept=fields.count("kept"),
    )


def _candidate(fields: Fields) -> Candidate:
    final_name = "final_score" if "final_score" in fields else "final_logprob"
    logprob, final = fields.number("logprob", -math.inf), fields.number_or_none(final_name)
    for name, value in (("logprob", logprob), (final_name, final)):
        if value is not None and value > _LARGEST_LOGPROB:
            raise ValueError(f"{name!r} is too large")
    return Candidate(
        token_id=fields.count("token_id"),
        text=fields.text("text"),
        logprob=logprob,
        final_logprob=final,
        rank=fields.count("rank"),
        cut_by=fields.text_or_none("cut_by"),
    )


_LARGEST_LOGPROB = 700.0
"""None is above 0 but by rounding; the exponential of this one is still a number."""
