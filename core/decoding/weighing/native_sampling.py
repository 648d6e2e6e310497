"""Sampling by the native kernel: the cut of a nucleus, and the draw; the same bits as torch's.

Must never guess: what is too close to tell, or not a kernel's to do, is ``None``, and the caller
has torch do it.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from core.decoding.weighing.figures import RowFigures
from core.models.gpt2.kernel.steps import open_library


@dataclass(frozen=True, slots=True)
class Cut:
    """Scores of which each row keeps those that are no less than a bound.

    ``scores`` has shape (rows, vocabulary), float32, minus infinity where removed. ``least`` is
    each row's bound, ``figures`` what is left comes to, with the likeliest token alone.
    """

    scores: torch.Tensor
    least: tuple[float, ...]
    figures: tuple[RowFigures, ...]


def _is_native(scores: torch.Tensor) -> bool:
    is_plain = scores.dtype == torch.float32 and scores.is_contiguous()
    return is_plain and scores.device.type == "cpu"


def cut_nucleus(
    scores: torch.Tensor, figures: Sequence[RowFigures], top_p: float, keep: int
) -> Cut | None:
    """Return what ``TopPLogitsWarper`` leaves of ``scores``, shape (rows, vocabulary).

    ``figures`` are those of its rows; at least ``keep`` tokens of each stay.
    """
    library = open_library(keeps_lock=True)
    if library is None or not _is_native(scores):
        return None
    size = scores.shape[-1]
    cut = torch.empty_like(scores)
    numbers = (ctypes.c_double * 3)()
    bounds, left = [], []
    for row, before in enumerate(figures):
        offset = row * size * scores.element_size()
        least = library.cut_nucleus(
            scores.data_ptr() + offset,
            size,
            before.values[0],
            before.logsumexp,
            top_p,
            keep,
            cut.data_ptr() + offset,
            numbers,
        )
        if least == -math.inf:
            return None
        logsumexp, entropy, kept = numbers
        bounds.append(least)
        left.append(
            RowFigures(before.token_ids[:1], before.values[:1], logsumexp, entropy, int(kept))
        )
    return Cut(cut, tuple(bounds), tuple(left))


def draw_natively(
    scores: torch.Tensor, figures: RowFigures, generator: torch.Generator
) -> int | None:
    """Return the token that ``torch.multinomial`` draws for the only row of ``scores``.

    ``figures`` are the row's. The generator is left alone where the answer is ``None``.
    """
    library = open_library(keeps_lock=True)
    if library is None or not _is_native(scores) or not _knows_the_generator():
        return None
    return _race(library, scores, figures.values[0], generator)


def _race(
    library: ctypes.CDLL, scores: torch.Tensor, greatest: float, generator: torch.Generator
) -> int | None:
    state = generator.get_state()
    token_id: int = library.race(
        scores.data_ptr(), scores.shape[-1], greatest, state.data_ptr(), state.nbytes
    )
    if token_id < 0:
        return None
    generator.set_state(state)
    return token_id


@cache
def _knows_the_generator() -> bool:
    """Whether this torch makes its numbers, and draws with them, as the kernel does."""
    library = open_library(keeps_lock=True)
    ours, theirs = (torch.Generator().manual_seed(0) for _ in range(2))
    scores = torch.zeros(1, 500)
    for _ in range(4):
        expected = int(torch.multinomial(scores.softmax(dim=-1), 1, generator=theirs))
        if library is None or _race(library, scores, 0.0, ours) != expected:
            return False
    return torch.equal(ours.get_state(), theirs.get_state())
