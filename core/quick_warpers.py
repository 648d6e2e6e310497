"""Nucleus and typical sampling without sorting the vocabulary; the same scores, bit for bit.

Must never guess: where the likeliest tokens do not decide, or rounding could, transformers' own
class does the work. It sums float32 probabilities in the order of its sort; sums here differ from
those by at most some 1e-6, so that what is decided by more than ``_MARGIN`` is decided alike.
"""

from __future__ import annotations

import math

import torch
from transformers.generation.logits_process import TopPLogitsWarper, TypicalLogitsWarper

MOST_RANKED = 1024
"""How many tokens are ranked before the whole vocabulary is sorted after all."""

_MARGIN = 1e-5
_WORTH_IT = 16
"""Sorting a vocabulary of fewer times ``MOST_RANKED`` tokens than this costs no more."""


class QuickTopP:
    """``TopPLogitsWarper``, by ranking the ``most`` likeliest tokens of each row."""

    def __init__(self, top_p: float, min_tokens_to_keep: int = 1, most: int = MOST_RANKED) -> None:
        self._reference = TopPLogitsWarper(top_p, min_tokens_to_keep=min_tokens_to_keep)
        self._top_p, self._keep, self._most = top_p, min_tokens_to_keep, most

    def __call__(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return ``scores``, shape (rows, vocabulary), with minus infinity outside the nucleus."""
        if scores.shape[-1] < _WORTH_IT * self._most:
            return self._sorted(token_ids, scores)
        top = torch.topk(scores, self._most, dim=-1)
        normaliser = torch.logsumexp(scores, dim=-1, keepdim=True).double()
        shares = torch.exp(top.values.double() - normaliser)
        # A token stays while the likelier ones hold less than top_p.
        likelier = (torch.cumsum(shares, dim=-1) - shares)[:, self._keep :]
        stays = torch.nn.functional.pad(likelier < self._top_p, (self._keep, 0), value=True)
        is_open = stays[:, -1].any() | ((likelier - self._top_p).abs() < _MARGIN).any()
        is_tied = (
            (top.values[:, :-1] == top.values[:, 1:]) & (stays[:, :-1] != stays[:, 1:])
        ).any()
        if bool(is_open | is_tied):
            return self._sorted(token_ids, scores)
        kept = top.values.masked_fill(~stays, -math.inf)
        return torch.full_like(scores, -math.inf).scatter(1, top.indices, kept)

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
        if self._keep > 1 or scores.shape[-1] < _WORTH_IT * self._most:
            return self._sorted(token_ids, scores)
        # As transformers computes them: the threshold is compared with these very numbers.
        logprobs = torch.log_softmax(scores, dim=-1)
        probabilities = torch.exp(logprobs)
        entropy = -(logprobs * probabilities).nansum(-1, keepdim=True)
        distances = torch.abs((-logprobs) - entropy)
        near = torch.topk(distances, self._most, dim=-1, largest=False)
        held = torch.cumsum(probabilities.gather(1, near.indices).double(), dim=-1)
        last = (held < self._mass).sum(dim=-1, keepdim=True)
        is_open = (last >= self._most).any() | ((held - self._mass).abs() < _MARGIN).any()
        if bool(is_open):
            return self._sorted(token_ids, scores)
        return scores.masked_fill(distances > near.values.gather(1, last), -math.inf)

    def _sorted(self, token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._reference(token_ids, scores)
        return result
