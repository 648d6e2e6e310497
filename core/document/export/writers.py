"""Events to text for files and programs: JSON Lines, CSV, Markdown, HTML, a table, the bare text.

Must never import torch, and never lets a model's text break a row, a cell or a terminal: only
``TextWriter`` passes text on as it is. Every writer takes events one by one, so that results can
be read while they are made; a page of HTML alone comes with the run's end.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from core.document.export.markdown import MarkdownWriter
from core.document.export.page.writer import PageWriter
from core.document.export.svg import svg_of
from core.document.export.tables import CsvWriter, TableWriter
from core.files.fields import number_field
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
    TokenStep,
)

FORMATS: tuple[str, ...] = ("text", "table", "jsonl", "csv", "markdown", "html", "svg")
"""The names that ``make_writer`` takes."""


class Writer(Protocol):
    """Turns the events of one run into text, piece by piece."""

    def write(self, event: Event) -> Iterator[str]:
        """Yield what ``event`` adds to the output, with its line ends."""
        ...


def whole_text(name: str, prompt: str, about: Mapping[str, Any], events: Iterable[Event]) -> str:
    """Return all that ``make_writer(name, prompt, about)`` writes of a run's ``events``.

    Raises:
        ValueError: There is no such format.
    """
    writer = make_writer(name, prompt, about)
    return "".join(part for event in events for part in writer.write(event))


def make_writer(name: str, prompt: str, about: Mapping[str, Any] | None = None) -> Writer:
    """Return the writer for one of ``FORMATS``; ``prompt`` is what the run continues.

    ``about`` is what JSON Lines and Markdown say of the run at its start beside the prompt, as
    ``core.document.export.about.about_run`` returns it.

    Raises:
        ValueError: There is no such format.
    """
    if name == "text":
        return TextWriter()
    if name == "jsonl":
        return JsonlWriter({**(about or {}), "prompt": prompt})
    if name == "csv":
        return CsvWriter()
    if name == "table":
        return TableWriter(prompt)
    if name == "markdown":
        return MarkdownWriter(prompt, about)
    if name == "html":
        return PageWriter(prompt, about)
    if name == "svg":
        return PageWriter(prompt, about, svg_of)
    raise ValueError(f"no format {name!r}")


class TextWriter:
    """The generated text as it comes, unchanged, then one line end; none where the run failed.

    A beam search revises its text, so its winner comes at the end.
    """

    def __init__(self) -> None:
        self._written = ""

    def write(self, event: Event) -> Iterator[str]:
        """Yield the text that ``event`` adds."""
        if isinstance(event, TokenStep) and event.text:
            self._written += event.text
            yield event.text
        elif isinstance(event, Finished):
            if event.text.startswith(self._written):
                rest = event.text[len(self._written) :]
                self._written += rest
                if rest:
                    yield rest
            if self._written and event.reason != "failed":
                yield "\n"


class JsonlWriter:
    """One JSON record a line for the start, for every step, and for the end.

    ``about`` is added to the first, so that the file says what to do to get the same again.
    """

    def __init__(self, about: Mapping[str, Any] | None = None) -> None:
        self._about = dict(about or {})

    def write(self, event: Event) -> Iterator[str]:
        """Yield the line for ``event``."""
        record = event_record(event)
        if isinstance(event, Started):
            record = {"type": record["type"], **self._about, **record}
        yield json_line(record)


_ESCAPED_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def json_line(record: dict[str, Any]) -> str:
    """Return ``record`` as one line of valid JSON, harmless to terminals and line readers.

    Raises:
        ValueError: The record holds a number that JSON does not know.
    """
    line = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return _ESCAPED_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", line) + "\n"


def event_record(event: Event, *, whole: bool = False) -> dict[str, Any]:
    """Return ``event`` as a JSON object; numbers that are not finite are ``None``.

    A ``whole`` one is of the very event: it has the time ``elapsed`` too, and tells of a number
    that is not finite by a text which it is, such as ``-Infinity``.

    ``type`` is ``started``, ``step``, ``beam_step``, ``next_token``, ``engine_changed`` or
    ``finished``; ``parsing.event_from_record`` reads it. Who put a token there is told by
    ``chosen_by``: ``settings`` or ``person``. ``text`` of a step is what its token adds to the
    text, where that is not the token's own; ``is_special`` stands where it is true.
    Log-probabilities are natural logarithms, entropy is in bits, and ``token_ids`` are the
    generated ones.
    """
    if isinstance(event, Started):
        return {
            "type": "started",
            "context_token_ids": list(event.context_token_ids),
            "prompt_token_ids": list(event.prompt_token_ids),
            "max_new_tokens": event.max_new_tokens,
            "context_size": event.context_size,
            "seed": event.seed,
            **({"drawn": event.drawn} if event.drawn else {}),
            **({"counted": event.counted} if event.counted else {}),
            **({"dropped_turns": event.dropped_turns} if event.dropped_turns else {}),
        }
    if isinstance(event, TokenStep):
        return {
            "type": "step",
            "index": event.index,
            "chosen_by": event.chosen_by,
            "token": _candidate(event.token, whole),
            **({"text": event.text} if event.text != event.token.text else {}),
            **_special(event.is_special),
            **_distribution(event.distribution, whole),
            **({"elapsed": _number(event.elapsed, whole)} if whole else {}),
        }
    if isinstance(event, BeamStep):
        return _beam_step(event, whole)
    if isinstance(event, NextToken):
        return {"type": "next_token", **_distribution(event.distribution, whole)}
    if isinstance(event, EngineChanged):
        return {"type": "engine_changed", "engine": event.engine}
    return _finished(event, whole)


def _beam_step(event: BeamStep, whole: bool) -> dict[str, Any]:
    return {
        "type": "beam_step",
        "index": event.index,
        "hypotheses": [_hypothesis(one, whole) for one in event.hypotheses],
        "finished": [_hypothesis(one, whole) for one in event.finished],
        "dropped": [
            {**_hypothesis(one.hypothesis, whole), "reason": one.reason} for one in event.dropped
        ],
        "distributions": [_distribution(one, whole, _FINAL_SCORE) for one in event.distributions],
        **({"elapsed": _number(event.elapsed, whole)} if whole else {}),
    }


def _finished(event: Finished, whole: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "type": "finished",
        "reason": event.reason,
        "token_ids": list(event.token_ids),
        "text": event.text,
        "tokens_per_second": _number(event.tokens_per_second, whole),
    }
    if event.score is not None:
        record["score"] = _number(event.score, whole)
    if event.drafted_tokens:
        record["drafted_tokens"] = event.drafted_tokens
        record["accepted_tokens"] = event.accepted_tokens
    if event.detail:
        record["detail"] = event.detail
    return record


_FINAL_LOGPROB = "final_logprob"
_FINAL_SCORE = "final_score"
"""Of beams: what is added to a beam's sum. The settings leave it as no probability."""


def _candidate(one: Candidate, whole: bool, final_name: str = _FINAL_LOGPROB) -> dict[str, Any]:
    return {
        "token_id": one.token_id,
        "text": one.text,
        "logprob": _number(one.logprob, whole),
        final_name: _number(one.final_logprob, whole),
        "rank": one.rank,
        "cut_by": one.cut_by,
    }


def _distribution(
    distribution: Distribution, whole: bool, final_name: str = _FINAL_LOGPROB
) -> dict[str, Any]:
    return {
        "candidates": [_candidate(one, whole, final_name) for one in distribution.candidates],
        "entropy": _number(distribution.entropy, whole),
        "kept": distribution.kept,
    }


def _hypothesis(hypothesis: Hypothesis, whole: bool) -> dict[str, Any]:
    return {
        "token_ids": list(hypothesis.token_ids),
        "text": hypothesis.text,
        "score": _number(hypothesis.score, whole),
        "normalized_score": _number(hypothesis.normalized_score, whole),
        "parent": hypothesis.parent,
        "token": _candidate(hypothesis.token, whole, _FINAL_SCORE),
        **_special(hypothesis.is_special),
    }


def _special(is_special: bool) -> dict[str, bool]:
    return {"is_special": True} if is_special else {}


def _number(value: float | None, whole: bool) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return number_field(value) if whole else None
