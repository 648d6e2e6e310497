"""Logits processors applied to scores in order, and which of them removed which token.

Must never choose a token, and never changes logits in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.decoding.weighing.figures import RowFigures
from core.decoding.weighing.processors import NamedProcessor
from core.decoding.weighing.quick_warpers import QuickMinNewTokens, QuickTopP


@dataclass(frozen=True, slots=True)
class Processed:
    """Scores after all processors, and who removed which of the watched tokens.

    ``scores`` has shape (rows, vocabulary), float32. ``watched[row][i]`` is the score of the row's
    ``i``-th watched token, and ``cut_by[row][i]`` names the setting that removed it, or is
    ``None``. ``figures`` are those of the rows of ``scores``, where they are known already.
    """

    scores: torch.Tensor
    watched: list[list[float]]
    cut_by: list[list[str | None]]
    figures: Sequence[RowFigures] | None = None


def process(
    processors: Sequence[NamedProcessor],
    token_ids: torch.Tensor,
    scores: torch.Tensor,
    watched: torch.Tensor,
) -> Processed:
    """Apply ``processors`` in order, watching the tokens ``watched``, shape (rows, n), int64."""
    stages = processed_stages(processors, token_ids, scores)
    scores = stages[-1] if stages else scores
    found: list[list[float]] = scores.gather(1, watched).tolist()
    if not any(-math.inf in row for row in found):
        return Processed(scores, found, [[None] * len(row) for row in found])
    removed = torch.stack([torch.isneginf(stage.gather(1, watched)) for stage in stages], dim=1)
    cut_by = [first_to_remove(processors, row) for row in removed.tolist()]
    return Processed(scores, found, cut_by)


def process_by_figures(
    processors: Sequence[NamedProcessor],
    token_ids: torch.Tensor,
    logits: torch.Tensor,
    figures: Sequence[RowFigures],
    count: int,
) -> Processed | None:
    """Do what ``process`` does from the ``figures`` of ``logits``, ``None`` where that cannot be.

    It can where a nucleus alone is asked for, or a least length that removes none of the ``count``
    likeliest tokens, which are watched. It saves most of what a small model's step costs beside the
    model.
    """
    if len(processors) != 1:
        return None
    only = processors[0].process
    if isinstance(only, QuickMinNewTokens):
        return _held_open(only, token_ids, logits, figures, count)
    if not isinstance(only, QuickTopP):
        return None
    cut = only.cut(logits, figures)
    if cut is None:
        return None
    watched, cut_by = [], []
    for row, least in zip(figures, cut.least, strict=True):
        values = row.values[:count]
        watched.append([value if value >= least else -math.inf for value in values])
        cut_by.append([None if value >= least else processors[0].name for value in values])
    return Processed(cut.scores, watched, cut_by, cut.figures)


def _held_open(
    processor: QuickMinNewTokens,
    token_ids: torch.Tensor,
    logits: torch.Tensor,
    figures: Sequence[RowFigures],
    count: int,
) -> Processed | None:
    """Return ``None`` where a watched token is removed, or was before."""
    watched = [list(row.values[:count]) for row in figures]
    is_removed = any(
        -math.inf in values or not processor.eos_token_ids.isdisjoint(row.token_ids[:count])
        for values, row in zip(watched, figures, strict=True)
    )
    if is_removed:
        return None
    return Processed(processor(token_ids, logits), watched, [[None] * len(row) for row in watched])


def processed_stages(
    processors: Sequence[NamedProcessor], token_ids: torch.Tensor, scores: torch.Tensor
) -> list[torch.Tensor]:
    """Apply ``processors`` in order; return the scores after each, shaped as ``scores``."""
    stages: list[torch.Tensor] = []
    for processor in processors:
        scores = processor.process(token_ids, scores)
        stages.append(scores)
    return stages


def first_to_remove(
    processors: Sequence[NamedProcessor], removed: Sequence[Sequence[float]]
) -> list[str | None]:
    """Return the name of the setting that removed each watched token of a row, or ``None``.

    ``removed[i][j]`` is whether the ``j``-th token is gone after the ``i``-th processor. One that
    comes back, as an end of text may that is forced, was not removed until then.
    """
    names = [processor.name for processor in processors]
    found: list[str | None] = []
    for after in zip(*removed, strict=True):
        stays = max((at for at, gone in enumerate(after) if not gone), default=-1) + 1
        found.append(names[stays] if stays < len(names) else None)
    return found
