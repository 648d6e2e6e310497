"""What some processors do, without sorting or searching the vocabulary; the same scores to the bit.

Must never guess: where the likeliest tokens do not decide, or rounding could, transformers' own
class does the work. It sums float32 probabilities in the order of its sort; sums here differ from
those by at most some 1e-6, so that what is decided by more than ``_MARGIN`` is decided alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from transformers.generation.logits_process import TopPLogitsWarper, TypicalLogitsWarper

from core.decoding.weighing.figures import RowFigures, row_figures
from core.decoding.weighing.native_sampling import Cut, cut_nucleus

MOST_RANKED = 1024
"""How many tokens are ranked before the whole vocabulary is sorted after all."""

_MARGIN = 1e-5
_WORTH_IT = 16
"""No more than one of so many tokens is ranked: sorting them all would cost no more."""
_FEWEST = 16
"""A vocabulary of which fewer would be ranked is too small for a sort to matter."""
_FEW = 32
"""So many are looked at first: most nuclei are smaller."""


def _ranked(scores: torch.Tensor, most: int) -> int:
    """Return how many tokens to rank, 0 where sorting all of them costs no more."""
    count = min(most, scores.shape[-1] // _WORTH_IT)
    return count if count >= _FEWEST else 0


class QuickMinNewTokens:
    """``MinNewTokensLengthLogitsProcessor``, without going through the vocabulary for the ends.

    ``shortest`` is how long a row must be, prompt included, before it may end; ``eos_token_ids``
    are what it may not end with till then.
    """

    def __init__(self, shortest: int, eos_token_ids: Sequence[int], device: torch.device) -> None:
        self.eos_token_ids = frozenset(one for one in eos_token_ids if one >= 0)
        self._shortest = shortest
        self._ends = torch.tensor(sorted(self.eos_token_ids), dtype=torch.int64, device=device)

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with minus infinity for the ends."""
        if token_ids.shape[1] >= self._shortest or not self.eos_token_ids:
            return scores
        ends, size = self._ends, scores.shape[-1]
        if max(self.eos_token_ids) >= size:  # some configurations name tokens that there are not
            ends = ends[ends < size]
        return scores.index_fill(1, ends, -math.inf)


class QuickTopP:
    """``TopPLogitsWarper``, by ranking the ``most`` likeliest tokens of each row."""

    def __init__(self, top_p: float, min_tokens_to_keep: int = 1, most: int = MOST_RANKED) -> None:
        self._reference = TopPLogitsWarper(top_p, min_tokens_to_keep=min_tokens_to_keep)
        self._top_p, self._keep, self._most = top_p, min_tokens_to_keep, most

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with minus infinity outside the nucleus."""
        cut = self.cut(scores, row_figures(scores, 1))
        if cut is not None:
            return cut.scores
        few = min(_FEW, self._most)
        count = _ranked(scores, self._most)
        if not count:
            return self._sorted(token_ids, scores)
        found = self._among([(one.values, one.logsumexp) for one in row_figures(scores, few)])
        if found is None and count > few:
            top = torch.topk(scores, count, dim=-1).values.tolist()
            normalisers = torch.logsumexp(scores, dim=-1).tolist()
            found = self._among(list(zip(top, normalisers, strict=True)))
        if found is None:
            return self._sorted(token_ids, scores)
        least = torch.tensor(found, dtype=scores.dtype, device=scores.device)[:, None]
        return scores.masked_fill(scores < least, -math.inf)

    def cut(self, scores: torch.Tensor, figures: Sequence[RowFigures]) -> Cut | None:
        """Return the nuclei by the native kernel, ``None`` where it cannot tell.

        ``figures`` are those of the rows of ``scores``, shape (rows, vocabulary).
        """
        return cut_nucleus(scores, figures, self._top_p, self._keep)

    def _among(self, rows: Sequence[tuple[Sequence[float], float]]) -> list[float] | None:
        """Return the least score that stays in each row, ``None`` where one is too close to tell.

        A row is its likeliest tokens' scores, falling, with its log-sum-exp.
        """
        sizes = [self._nucleus(values, normaliser) for values, normaliser in rows]
        if any(size is None for size in sizes):
            return None
        return [values[size - 1] for (values, _), size in zip(rows, sizes, strict=True) if size]

    def _nucleus(self, values: Sequence[float], normaliser: float) -> int | None:
        """Return how many of ``values``, falling scores, stay; ``None`` where it is too close.

        A token stays while the likelier ones hold less than ``top_p``.
        """
        likelier = 0.0
        for size, value in enumerate(values):
            if size >= self._keep:
                if abs(likelier - self._top_p) < _MARGIN:
                    return None
                if likelier > self._top_p:
                    return None if value == values[size - 1] else size
            likelier += math.exp(value - normaliser)
        return None

    def _sorted(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._reference(token_ids, scores)
        return result


class QuickTypical:
    """``TypicalLogitsWarper``, by ranking the ``most`` typical tokens of each row."""

    def __init__(self, mass: float, min_tokens_to_keep: int = 1, most: int = MOST_RANKED) -> None:
        self._reference = TypicalLogitsWarper(mass, min_tokens_to_keep=min_tokens_to_keep)
        self._mass, self._keep, self._most = mass, min_tokens_to_keep, most

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with minus infinity where untypical."""
        count = _ranked(scores, self._most)
        if self._keep > 1 or not count:
            return self._sorted(token_ids, scores)
        # As transformers computes them: the threshold is compared with these very numbers.
        logprobs = torch.log_softmax(scores, dim=-1)
        probabilities = torch.exp(logprobs)
        entropy = -(logprobs * probabilities).nansum(-1, keepdim=True)
        distances = torch.abs((-logprobs) - entropy)
        near = torch.topk(distances, count, dim=-1, largest=False)
        # On the host: not every device has float64.
        held = torch.cumsum(probabilities.gather(1, near.indices).cpu().double(), dim=-1)
        last = (held < self._mass).sum(dim=-1, keepdim=True).to(scores.device)
        is_open = (last >= count).cpu().any() | ((held - self._mass).abs() < _MARGIN).any()
        if bool(is_open):
            return self._sorted(token_ids, scores)
        return scores.masked_fill(distances > near.values.gather(1, last), -math.inf)

    def _sorted(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._reference(token_ids, scores)
        return result
