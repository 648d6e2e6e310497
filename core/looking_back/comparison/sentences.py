"""A divergence in words, the same in the app and on the command line.

Must never name a token but in quotes, with control characters spelled out.
"""

from __future__ import annotations

from core.looking_back.comparison.causes import Divergence
from core.looking_back.comparison.column import Column
from core.records.steps import Candidate, FinishReason
from core.text.readable import number, percent
from core.text.visible import one_line, visible

_ENDED: dict[FinishReason, str] = {
    "end_of_text": "the model ended the text",
    "length": "its length was reached",
    "context_full": "the context was full",
    "stop_string": "a stop string came",
    "by_hand": "it is written by hand",
    "cancelled": "it was stopped",
    "failed": "it failed",
}


def why_they_part(divergence: Divergence, column: Column, baseline: Column) -> str:
    """Return why ``column`` parts from ``baseline``, as a phrase such as ``top_p cuts ' cat'``."""
    name = one_line(baseline.plan.name)
    setting = divergence.setting or "a setting"
    one, other = divergence.token, divergence.baseline
    cause = divergence.cause
    if cause == "model":
        return "another model"
    if cause == "context":
        return "it continues another text"
    if cause == "beams":
        return "beams choose among whole texts"
    if one is None or other is None:
        ended, who = (column, "this one") if one is None else (baseline, name)
        reason = ended.finished.reason if ended.finished is not None else "cancelled"
        return f"{who} ends before: {_ENDED[reason]}"
    if cause == "cut":
        return f"{setting} cuts {_quoted(other)}"
    if cause == "cut_in_baseline":
        return f"{setting} of {name} cuts {_quoted(one)}"
    if cause == "seed":
        return "other dice"
    if cause == "unseen":
        return f"{_quoted(other)} is not among the candidates here: cut, or other chances"
    if cause == "dice":
        return _dice(divergence, column, baseline)
    return f"{_quoted(one)} ranks first here{_chances(divergence)}"


def where_they_part(divergence: Divergence, column: Column, baseline: Column) -> str:
    """Return the step, the two tokens and the cause, in one line."""
    one, other = divergence.token, divergence.baseline
    said = _quoted(one) if one is not None else "the end"
    instead = _quoted(other) if other is not None else "the end"
    why = why_they_part(divergence, column, baseline)
    return f"step {number(divergence.index)}: {said} instead of {instead}; {why}"


def _dice(divergence: Divergence, column: Column, baseline: Column) -> str:
    name = one_line(baseline.plan.name)
    if not column.plan.request.settings.do_sample:
        return f"the likeliest, where {name} draws"
    if not baseline.plan.request.settings.do_sample:
        return f"drawn, where {name} takes the likeliest"
    return f"the other side of the dice{_chances(divergence)}"


def _chances(divergence: Divergence) -> str:
    """Return what both made of the baseline's token, where that is known."""
    other, weighed = divergence.baseline, divergence.weighed
    if other is None or weighed is None:
        return ""
    before, now = percent(other.final_probability), percent(weighed.final_probability)
    return f" ({_quoted(other)} {before} there, {now} here)"


def _quoted(candidate: Candidate) -> str:
    return f"'{visible(candidate.text, keep='')}'"
