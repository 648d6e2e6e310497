"""From logits to the records of a step: what was weighed, what was cut, and which token won.

Must never run a model or change logits in place. Every number comes from the same tensors that
the choice is made from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from core.processors import NamedProcessor, process
from core.steps import Candidate, Distribution

SHOWN_CANDIDATES = 5
"""How many of the likeliest tokens every step records."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A batch of next-token distributions, before and after the settings.

    ``logprobs``: the model's own, shape (rows, vocabulary), float32. ``scores``: after all
    processors, same shape, unnormalised. ``final_logprobs``: what the decoder chooses from, same
    shape. ``distributions``: one record for each row.
    """

    logprobs: torch.Tensor
    scores: torch.Tensor
    final_logprobs: torch.Tensor
    distributions: tuple[Distribution, ...]


def weigh(
    logits: torch.Tensor,
    token_ids: torch.Tensor,
    processors: Sequence[NamedProcessor],
    token_text: Callable[[int], str],
    *,
    beams: bool,
) -> Weighed:
    """Apply the settings to ``logits`` and record what they did.

    Args:
        logits: The model's, shape (rows, vocabulary), float32.
        token_ids: The rows so far, prompt included, shape (rows, length), int64.
        processors: In the order in which they apply.
        token_text: Names a token.
        beams: Whether processors work on log-probabilities and are not renormalised afterwards,
            as transformers' beam search does; else they work on logits, as its sampling does.
    """
    logprobs = torch.log_softmax(logits, dim=-1)
    shown = torch.topk(logprobs, min(SHOWN_CANDIDATES, logprobs.shape[-1]), dim=-1)
    processed = process(processors, token_ids, logprobs if beams else logits, shown.indices)
    scores = processed.scores
    if beams or not processors:
        final_logprobs = scores if beams else logprobs
    else:
        final_logprobs = torch.log_softmax(scores, dim=-1)
    figures = torch.cat(
        (
            shown.values,
            final_logprobs.gather(1, shown.indices),
            torch.special.entr(logprobs.exp()).sum(dim=-1, keepdim=True),
            (scores > -math.inf).sum(dim=-1, keepdim=True, dtype=torch.float32),
        ),
        dim=-1,
    ).tolist()
    distributions = tuple(
        _distribution(ids, row, cut_by, token_text)
        for ids, row, cut_by in zip(shown.indices.tolist(), figures, processed.cut_by, strict=True)
    )
    return Weighed(logprobs, scores, final_logprobs, distributions)


def _distribution(
    token_ids: list[int],
    figures: list[float],
    cut_by: list[str | None],
    token_text: Callable[[int], str],
) -> Distribution:
    count = len(token_ids)
    candidates = tuple(
        Candidate(
            token_id=token_id,
            text=token_text(token_id),
            logprob=figures[position],
            final_logprob=_finite(figures[count + position]),
            rank=position + 1,
            cut_by=cut_by[position],
        )
        for position, token_id in enumerate(token_ids)
    )
    entropy = figures[2 * count] / math.log(2)
    return Distribution(candidates, entropy, kept=int(figures[2 * count + 1]))


def _finite(logprob: float) -> float | None:
    return None if logprob == -math.inf else logprob


def chosen_candidate(
    weighed: Weighed, row: int, token_id: int, token_text: Callable[[int], str]
) -> Candidate:
    """Return the record of one token of a row, whether it is among the shown ones or not."""
    candidates = weighed.distributions[row].candidates
    for candidate in candidates:
        if candidate.token_id == token_id:
            return candidate
    logprobs = weighed.logprobs[row]
    likelier = int((logprobs > logprobs[token_id]).sum())
    return Candidate(
        token_id=token_id,
        text=token_text(token_id),
        logprob=float(logprobs[token_id]),
        final_logprob=_finite(float(weighed.final_logprobs[row, token_id])),
        rank=max(likelier, len(candidates)) + 1,
    )


def choose_greedy(scores: torch.Tensor) -> int:
    """Return the likeliest token of ``scores``, shape (1, vocabulary)."""
    return int(torch.argmax(scores, dim=-1))


def choose_sample(scores: torch.Tensor, generator: torch.Generator) -> int:
    """Draw a token from ``scores``, shape (1, vocabulary), as ``generate()`` does.

    The same draw as transformers' after ``torch.manual_seed`` with the generator's seed.
    """
    probabilities = torch.softmax(scores, dim=-1)
    return int(torch.multinomial(probabilities, num_samples=1, generator=generator))
