"""Where a column parts from the baseline, and why.

Must never guess: a cause is what the records of the two steps say, and each names what it is from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.looking_back.comparison.column import ChosenToken, Column
from core.records.settings import Settings
from core.records.steps import Candidate, Distribution

Cause = Literal[
    "model",
    "context",
    "beams",
    "ended",
    "cut",
    "cut_in_baseline",
    "seed",
    "dice",
    "rank",
    "unseen",
]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step, from 0, at which a column chose another token than the baseline.

    ``baseline`` and ``token`` are the two, ``None`` where a text has ended before. ``weighed`` is
    what the column made of the baseline's token, where it was among its candidates. ``setting`` is
    what cut one of them, where that is known.

    The causes: another ``model``; another ``context`` that the column goes on from; ``beams``,
    which choose among whole texts; one text has ``ended``; the column ``cut`` the baseline's token,
    or the baseline the column's (``cut_in_baseline``); another ``seed``; the same ``dice``, which
    fall on the other side because the settings have moved the chances; another ``rank`` comes first
    without dice. ``unseen``: the baseline's token is not among the candidates, and its settings may
    have cut it or not.
    """

    index: int
    cause: Cause
    baseline: Candidate | None
    token: Candidate | None
    setting: str = ""
    weighed: Candidate | None = None


def in_common(column: Column, baseline: Column) -> int:
    """Return with how many tokens a column says the same as the baseline.

    Two models may number the same tokens otherwise, so theirs are compared by their texts.
    """
    pairs = zip(_compared(column, baseline), _compared(baseline, column), strict=False)
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def divergence_of(column: Column, baseline: Column) -> Divergence | None:
    """Return where ``column`` parts from ``baseline``; ``None`` while it says the same.

    A text that has merely not come as far yet says the same; so do beams until both have ended,
    since they revise what they say.
    """
    searches = [one for one in (column, baseline) if one.has_beams]
    if any(one.finished is None for one in searches):
        return None
    index = in_common(column, baseline)
    ours, theirs = _at(column, index), _at(baseline, index)
    if ours is None and theirs is None:
        return None
    if (ours is None and not _has_ended(column)) or (theirs is None and not _has_ended(baseline)):
        return None
    shown = theirs.token if theirs else None, ours.token if ours else None
    if column.plan.model != baseline.plan.model:
        return Divergence(index, "model", *shown)
    if _context(column) != _context(baseline):
        return Divergence(index, "context", *shown)
    if searches:
        return Divergence(index, "beams", *shown)
    if ours is None or theirs is None:
        return Divergence(index, "ended", *shown)
    return _between(index, column, ours, baseline, theirs)


def _has_ended(column: Column) -> bool:
    """Whether nothing more would come; a run that was stopped would have gone on."""
    return column.finished is not None and column.finished.reason != "cancelled"


def _compared(column: Column, other: Column) -> Sequence[int | str]:
    if column.plan.model == other.plan.model:
        return column.token_ids
    return [one.token.text for one in column.chosen()]


def _context(column: Column) -> tuple[int, ...]:
    return column.started.context_token_ids if column.started is not None else ()


def _at(column: Column, index: int) -> ChosenToken | None:
    chosen = column.chosen()
    return chosen[index] if index < len(chosen) else None


def _between(
    index: int, column: Column, ours: ChosenToken, baseline: Column, theirs: ChosenToken
) -> Divergence:
    """Return why two steps behind the same text chose two tokens."""
    settings, others = column.plan.request.settings, baseline.plan.request.settings
    weighed = _weighed(ours.distribution, theirs.token)
    fate, setting = _fate(ours.distribution, theirs.token, settings)
    other_fate, other_setting = _fate(theirs.distribution, ours.token, others)
    cause: Cause = "rank"
    if fate == "cut":
        cause = "cut"
    elif other_fate == "cut":
        cause, setting = "cut_in_baseline", other_setting
    elif settings.do_sample and others.do_sample and _seed(column) != _seed(baseline):
        cause = "seed"
    elif "unseen" in (fate, other_fate):
        cause = "unseen"
    elif settings.do_sample or others.do_sample:
        cause = "dice"
    return Divergence(index, cause, theirs.token, ours.token, setting, weighed)


def _seed(column: Column) -> int | None:
    return column.started.seed if column.started else column.plan.request.settings.seed


def _weighed(distribution: Distribution, token: Candidate) -> Candidate | None:
    same = (one for one in distribution.candidates if one.token_id == token.token_id)
    return next(same, None)


_FROM_BELOW = ("top_k", "top_h", "top_p", "min_p", "epsilon_cutoff", "eta_cutoff")
"""The settings that cut the unlikeliest, and leave all that are likelier than one they leave."""

_CUT_NOTHING = {
    *("do_sample", "seed", "temperature", "renormalize_logits", "stop_strings", "eos_token_id"),
    *("max_length", "max_new_tokens"),
}


def _fate(
    distribution: Distribution, token: Candidate, settings: Settings
) -> tuple[Literal["left", "cut", "unseen"], str]:
    """Return what ``settings`` made of ``token``; and what cut it, empty where that is not known.

    Of a token that is not among the candidates it is known where all that cut, cut from below: then
    it is gone if more are likelier than were left.
    """
    weighed = _weighed(distribution, token)
    if weighed is not None:
        return ("cut", weighed.cut_by or "") if weighed.final_logprob is None else ("left", "")
    changed = settings.to_mapping().keys() - _CUT_NOTHING
    if not changed <= {*_FROM_BELOW}:
        return ("unseen", "")
    if token.rank <= distribution.kept:
        return ("left", "")
    if settings.top_k and token.rank > settings.top_k:
        return ("cut", "top_k")
    others = changed - {"top_k"}
    return ("cut", others.pop() if len(others) == 1 else "")
