"""Some of transformers' processors that give no number where they should; else the same scores.

Must never change what ``generate()`` chooses where its own classes give numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch


class Decay:
    """``ExponentialDecayLengthPenalty``: a removed end of text stays so, as from 5.24 on.

    ``start`` is behind how many tokens of the whole text the ``ends`` begin to grow likelier by
    ``factor``, which may outgrow all numbers: then they come, as in ``generate()``.
    """

    def __init__(self, start: int, factor: float, ends: Sequence[int]) -> None:
        self._start, self._factor = start, factor
        self._ends = sorted({one for one in ends if one >= 0})

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with other ones for the ends of text."""
        beyond = token_ids.shape[-1] - self._start
        ends = [one for one in self._ends if one < scores.shape[-1]]
        if beyond <= 0 or not ends:
            return scores
        try:
            growth = math.pow(self._factor, beyond) - 1
        except OverflowError:
            growth = torch.finfo(torch.float32).max
        before = scores[:, ends]
        penalty = (before.abs() * growth).masked_fill(~before.isfinite(), 0.0)
        penalties = torch.zeros_like(scores)
        penalties[:, ends] = penalty
        return scores + penalties


def renormalized(token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Do as ``LogitNormalization``; where nothing is left of a row, nothing is."""
    del token_ids
    is_any = (scores > -math.inf).any(dim=-1, keepdim=True)
    return torch.where(is_any, scores.log_softmax(dim=-1), scores)


class WhereAnyIsLeft:
    """``top_h`` or ``eta_cutoff``, which take an entropy: rows that have none stay as they are.

    So nothing was left of them, or some score is no number: what comes behind has a sentence for
    that, where ``generate()`` ends in a ``ValueError``.
    """

    def __init__(self, process: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self._process = process

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with those of its tokens removed."""
        has_entropy = scores.logsumexp(dim=-1).isfinite()
        if bool(has_entropy.all()):
            return self._process(token_ids, scores)
        kept = scores.clone()
        if bool(has_entropy.any()):
            kept[has_entropy] = self._process(token_ids, scores[has_entropy])
        return kept
