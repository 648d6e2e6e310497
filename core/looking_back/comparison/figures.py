"""What a column came to, in numbers.

Must never tell a figure that its steps do not hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.looking_back.comparison.column import Column
from core.records.steps import FinishReason

REPEATED = 4
"""So many tokens in a row are told as repeated where they stood in the same text before."""


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """The figures of one column, as far as it has come.

    ``logprob`` is the sum of the model's own log-probabilities, before any setting, and
    ``perplexity`` what that means for a token; ``entropy`` is the mean of the steps', in bits.
    ``distinct_1`` and ``distinct_2`` are how many different tokens, and pairs of tokens, there are
    of all, 0 to 1 (Li et al. 2016, arXiv 1510.03055); ``repeated`` counts the runs of ``REPEATED``
    tokens that stood in the text before. ``None`` is what too few tokens have not. ``seconds`` are
    since the column began, which shares the processor with others; ``reason`` is ``None`` while it
    goes on.
    """

    tokens: int
    logprob: float
    perplexity: float | None
    entropy: float | None
    distinct_1: float | None
    distinct_2: float | None
    repeated: int
    seconds: float
    tokens_per_second: float
    reason: FinishReason | None


def figures_of(column: Column) -> ColumnFigures:
    """Return the figures of ``column``."""
    chosen, token_ids = column.chosen(), column.token_ids
    count = len(chosen)
    logprob = math.fsum(one.token.logprob for one in chosen)
    seconds = column.steps[-1].elapsed if column.steps else 0.0
    finished = column.finished
    speed = finished.tokens_per_second if finished is not None else 0.0
    if not speed and len(column.steps) > 1:
        passed = seconds - column.steps[0].elapsed
        speed = (len(column.steps) - 1) / passed if passed > 0 else 0.0
    return ColumnFigures(
        tokens=len(token_ids),
        logprob=logprob,
        perplexity=_exp(-logprob / count) if count else None,
        entropy=math.fsum(one.distribution.entropy for one in chosen) / count if count else None,
        distinct_1=_distinct(token_ids, 1),
        distinct_2=_distinct(token_ids, 2),
        repeated=_repeated(token_ids),
        seconds=seconds,
        tokens_per_second=speed,
        reason=finished.reason if finished is not None else None,
    )


def _grams(token_ids: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(token_ids[at : at + size]) for at in range(len(token_ids) - size + 1)]


def _distinct(token_ids: Sequence[int], size: int) -> float | None:
    grams = _grams(token_ids, size)
    return len(set(grams)) / len(grams) if grams else None


def _repeated(token_ids: Sequence[int]) -> int:
    grams = _grams(token_ids, REPEATED)
    return len(grams) - len(set(grams))


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf
