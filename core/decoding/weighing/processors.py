"""Settings to transformers' logits processors, in ``generate()``'s order, and what each removes.

Must never choose a token, and never changes logits in place. The order and conditions follow
``GenerationMixin._get_logits_processor`` of transformers 5; ``quick_warpers`` stand in for three of
its classes, two of them on the processor alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from transformers.generation.logits_process import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from core.decoding.weighing.figures import RowFigures
from core.decoding.weighing.quick_warpers import QuickMinNewTokens, QuickTopP, QuickTypical
from core.records.settings import Settings

Process = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class NamedProcessor:
    """A logits processor and the setting that asked for it.

    ``process`` takes token ids, shape (rows, length), int64, and scores, shape (rows, vocabulary),
    float32, and returns new scores; removed tokens have minus infinity. Where ``reads_tokens`` is
    false, it looks at the length of the rows alone.
    """

    name: str
    process: Process
    reads_tokens: bool = False


_TOKEN_READERS = ("repetition_penalty", "no_repeat_ngram_size")


def build_processors(
    settings: Settings, prompt_length: int, eos_token_ids: Sequence[int], device: torch.device
) -> list[NamedProcessor]:
    """Return the processors that ``generate()`` would apply, in its order.

    ``prompt_length`` counts the tokens before the first generated one. Settings at their default
    add none, as in transformers.
    """
    processors: list[NamedProcessor] = []

    def add(name: str, processor: Process) -> None:
        processors.append(NamedProcessor(name, processor, name in _TOKEN_READERS))

    if settings.repetition_penalty != 1.0:
        add("repetition_penalty", RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if settings.no_repeat_ngram_size > 0:
        add("no_repeat_ngram_size", NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram_size))
    if settings.min_new_tokens and eos_token_ids:
        shortest = prompt_length + settings.min_new_tokens
        add("min_new_tokens", QuickMinNewTokens(shortest, eos_token_ids, device))
    if settings.do_sample:
        # Beams must be left a token besides the ends of text, or none could go on.
        keep = len(eos_token_ids) + 1 if eos_token_ids else 2
        _add_warpers(add, settings, keep if settings.num_beams > 1 else 1, device)
    return processors


def _add_warpers(
    add: Callable[[str, Process], None],
    settings: Settings,
    min_tokens_to_keep: int,
    device: torch.device,
) -> None:
    keep = min_tokens_to_keep
    if settings.temperature != 1.0:
        add("temperature", TemperatureLogitsWarper(settings.temperature))
    if settings.top_k != 0:
        add("top_k", TopKLogitsWarper(settings.top_k, min_tokens_to_keep=keep))
    # On a GPU a sort is quicker than to wait for what the quick classes must know.
    is_quick = device.type == "cpu"
    if settings.top_p < 1.0:
        top_p = QuickTopP if is_quick else TopPLogitsWarper
        add("top_p", cast("Process", top_p(settings.top_p, min_tokens_to_keep=keep)))
    if settings.min_p is not None:
        add("min_p", cast("Process", MinPLogitsWarper(settings.min_p, min_tokens_to_keep=keep)))
    if settings.typical_p < 1.0:
        typical = QuickTypical if is_quick else TypicalLogitsWarper
        add("typical_p", cast("Process", typical(settings.typical_p, min_tokens_to_keep=keep)))
    if settings.epsilon_cutoff > 0.0:
        add("epsilon_cutoff", EpsilonLogitsWarper(settings.epsilon_cutoff, min_tokens_to_keep=keep))
    if settings.eta_cutoff > 0.0:
        add(
            "eta_cutoff",
            EtaLogitsWarper(settings.eta_cutoff, min_tokens_to_keep=keep, device=str(device)),
        )


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

    ``removed[i][j]`` is whether the ``j``-th token is gone after the ``i``-th processor.
    """
    names = [processor.name for processor in processors]
    return [
        next((name for name, gone in zip(names, after, strict=True) if gone), None)
        for after in zip(*removed, strict=True)
    ]
