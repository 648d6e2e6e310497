"""The figures of rows of scores: the likeliest tokens, the normaliser, the entropy, what is left.

Must never sort a vocabulary, nor change a score. On the processor one pass of the native kernel
finds them, where there is one; else torch does.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from core.models.gpt2.kernel.steps import open_library

_DOUBLE_BYTES = 8


@dataclass(frozen=True, slots=True)
class RowFigures:
    """What one row of scores comes to.

    ``token_ids`` are the likeliest, likeliest first, with their scores in ``values``.
    ``logsumexp`` is the logarithm of the normaliser, ``entropy`` is in nats, and ``kept`` counts
    the scores above minus infinity. ``logprobs``, where they are known, are what ``log_softmax``
    makes of ``values``, to the bit.
    """

    token_ids: tuple[int, ...]
    values: tuple[float, ...]
    logsumexp: float
    entropy: float
    kept: int
    logprobs: tuple[float, ...] | None = None


def row_figures(scores: torch.Tensor, count: int) -> list[RowFigures]:
    """Return the figures of each row of ``scores``, shape (rows, vocabulary), float32.

    ``count`` is how many of the likeliest are named; fewer where the vocabulary is smaller.
    """
    rows, size = scores.shape
    count = min(count, size)
    if scores.device.type == "cpu" and scores.dtype == torch.float32:
        native = _native(rows, count)
        to_row, to_score = scores.stride()
        if native is not None and to_score == 1:
            found = native(scores.data_ptr(), to_row, size)
            if found is not None:
                return found
    return _by_torch(scores, count)


def _by_torch(scores: torch.Tensor, count: int) -> list[RowFigures]:
    return [figures_of(row) for row in figures_tensor(scores, count).tolist()]


def figures_tensor(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Return what ``figures_of`` reads, shape (rows, 3 + 3 * count), float32, without waiting.

    ``scores`` have shape (rows, vocabulary), float32, on any device; the vocabulary is no smaller
    than ``count``. The last ``count`` numbers of a row are token ids, which float32 holds exactly
    below 2 ** 24; Apple's GPUs have nothing wider.
    """
    top = torch.topk(scores, count, dim=-1)
    # Of equal scores the lower token comes first, as argmax has it.
    ids = top.indices.sort(dim=-1).values
    values, order = scores.gather(1, ids).sort(dim=-1, descending=True, stable=True)
    # Of more equal ones than are asked for topk takes any; the first of all leads even then.
    ids = torch.cat([scores.argmax(dim=-1, keepdim=True), ids.gather(1, order)[:, 1:]], dim=-1)
    logprobs = torch.log_softmax(scores, dim=-1)
    numbers = (
        torch.logsumexp(scores, dim=-1, keepdim=True),
        torch.special.entr(logprobs.exp()).sum(dim=-1, keepdim=True),
        kept_count(scores),
        values,
        logprobs.gather(1, ids),
        ids,
    )
    return torch.cat([one.float() for one in numbers], dim=-1)


def ranks(values: Sequence[float]) -> list[int]:
    """Return the rank of each of ``values``, falling: 1 and how many are greater."""
    return [values.index(one) + 1 for one in values]


def kept_count(scores: torch.Tensor) -> torch.Tensor:
    """Return how many scores of each row are above minus infinity, shape (rows, 1), int64."""
    return (scores > -math.inf).sum(dim=-1, keepdim=True)


def figures_of(numbers: Sequence[float]) -> RowFigures:
    """Return the figures in one row of ``figures_tensor``, on the host."""
    logsumexp, entropy, kept, *top = numbers
    count = len(top) // 3
    values, logprobs = tuple(top[:count]), tuple(top[count : 2 * count])
    ids = tuple(int(token_id) for token_id in top[2 * count :])
    return RowFigures(ids, values, logsumexp, entropy, int(kept), logprobs)


_Finder = Callable[[int, int, int], list[RowFigures] | None]


@cache
def _native(rows: int, count: int) -> _Finder | None:
    """Return what finds figures of rows at an address, or ``None`` where there is no kernel."""
    library = open_library(keeps_lock=True)  # a row takes some microseconds
    if library is None:
        return None
    read = struct.Struct(f"={3 * rows}d{rows * count}q{rows * count}f")
    room_type = ctypes.c_char * read.size
    to_ids = 3 * rows * _DOUBLE_BYTES
    to_values = to_ids + rows * count * _DOUBLE_BYTES
    ids_end = (3 + count) * rows
    find = library.rows_figures

    def found(address: int, apart: int, size: int) -> list[RowFigures] | None:
        # Room of its own for each call: another thread may ask before this one has read its own.
        room = room_type()
        at = ctypes.addressof(room)
        # Not all are found where scores are not numbers; torch has rules for those.
        if not find(address, rows, apart, size, count, at + to_ids, at + to_values, at):
            return None
        numbers = read.unpack(room)
        if rows == 1:
            logsumexp, entropy, kept = numbers[:3]
            return [
                RowFigures(numbers[3:ids_end], numbers[ids_end:], logsumexp, entropy, int(kept))
            ]
        return [
            RowFigures(
                numbers[3 * rows + row * count : 3 * rows + (row + 1) * count],
                numbers[ids_end + row * count : ids_end + (row + 1) * count],
                numbers[3 * row],
                numbers[3 * row + 1],
                int(numbers[3 * row + 2]),
            )
            for row in range(rows)
        ]

    return found
