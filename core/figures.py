"""The figures of rows of scores: the likeliest tokens, the normaliser, the entropy, what is left.

Must never sort a vocabulary, nor change a score. On the processor one pass of the native kernel
finds them, where there is one; else torch does.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch

from core.models.gpt2_native import open_library


@dataclass(frozen=True, slots=True)
class RowFigures:
    """What one row of scores comes to.

    ``token_ids`` are the likeliest, likeliest first, with their scores in ``values``.
    ``logsumexp`` is the logarithm of the normaliser, ``entropy`` is in nats, and ``kept`` counts
    the scores above minus infinity.
    """

    token_ids: tuple[int, ...]
    values: tuple[float, ...]
    logsumexp: float
    entropy: float
    kept: int


def row_figures(scores: torch.Tensor, count: int) -> list[RowFigures]:
    """Return the figures of each row of ``scores``, shape (rows, vocabulary), float32.

    ``count`` is how many of the likeliest are named; fewer where the vocabulary is smaller.
    """
    count = min(count, scores.shape[-1])
    if scores.device.type == "cpu" and scores.dtype == torch.float32 and scores.stride(-1) == 1:
        native = _native(count)
        if native is not None:
            step = scores.stride(0) * scores.element_size()
            begin, size = scores.data_ptr(), scores.shape[-1]
            rows = [native(begin + row * step, size) for row in range(len(scores))]
            found = [row for row in rows if row is not None]
            if len(found) == len(rows):
                return found
    return _by_torch(scores, count)


def _by_torch(scores: torch.Tensor, count: int) -> list[RowFigures]:
    top = torch.topk(scores, count, dim=-1)
    logprobs = torch.log_softmax(scores, dim=-1)
    figures = torch.cat(
        (
            torch.logsumexp(scores, dim=-1, keepdim=True),
            torch.special.entr(logprobs.exp()).sum(dim=-1, keepdim=True),
            (scores > -math.inf).sum(dim=-1, keepdim=True, dtype=torch.float32),
            top.values,
        ),
        dim=-1,
    ).tolist()
    return [
        RowFigures(tuple(ids), tuple(values), logsumexp, entropy, int(kept))
        for ids, (logsumexp, entropy, kept, *values) in zip(
            top.indices.tolist(), figures, strict=True
        )
    ]


_Finder = Callable[[int, int], RowFigures | None]


@cache
def _native(count: int) -> _Finder | None:
    """Return what finds figures at an address, or ``None`` where there is no kernel."""
    library = open_library(keeps_lock=True)  # a row takes some microseconds
    if library is None:
        return None
    ids = (ctypes.c_int64 * count)()
    values = (ctypes.c_float * count)()
    figures = (ctypes.c_double * 3)()
    find = library.row_figures

    def found(address: int, size: int) -> RowFigures | None:
        # Fewer are found where scores are not numbers; torch has rules for those.
        if find(address, size, count, ids, values, figures) < count:
            return None
        logsumexp, entropy, kept = figures
        return RowFigures(tuple(ids), tuple(values), logsumexp, entropy, int(kept))

    return found
