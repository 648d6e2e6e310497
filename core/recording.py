"""Logits to a ``RecordedStep`` and back.

Must never change the logits or the generator that it is given. Small vocabularies are kept as they
are. Of others, the likeliest ``EXACT_LOGITS``
tokens and the chosen one come back as they were, bit for bit. The others are kept as float16
differences d to the greatest logit, off by at most ``|d| / 2048``; a token outside the likeliest
256 has at most 1/257 of the model's probability, so that its own is off by less than 1.1e-5. No
token changes places with one of the likeliest.
"""

from __future__ import annotations

import ctypes
import struct

import torch

from core.logits_store import RecordedStep

EXACT_LOGITS = 256
"""How many of the likeliest tokens keep their float32 logits."""

SMALL_VOCABULARY = 4096
"""Up to this size all logits are kept in float32: sorting them out would cost more than they do."""


def record_step(
    logits: torch.Tensor,
    token_id: int,
    dice: torch.Tensor | None = None,
    *,
    is_forced: bool = False,
) -> RecordedStep:
    """Copy one step to the host.

    Args:
        logits: The model's, shape (1, vocabulary), float32, on any device.
        token_id: The chosen token.
        dice: The generator's state before the draw; ``None`` where nothing was drawn.
        is_forced: Whether a person chose the token.
    """
    state = None if dice is None else _bytes(dice)
    size = logits.shape[-1]
    if size <= SMALL_VOCABULARY:
        return RecordedStep(token_id, size, None, b"", b"", _bytes(logits), state, is_forced)
    row = logits[0]
    top = torch.topk(row, min(EXACT_LOGITS, row.shape[-1]))
    # In few pieces: from a GPU, each is waited for.
    exact = torch.cat((top.values, row[token_id : token_id + 1])).cpu()
    maximum, least = float(exact[0]), float(exact[-2])
    tail = b""
    if len(top.values) < len(row):
        tail = _bytes((row - maximum).half().clamp_(max=_half_below(least - maximum)))
    return RecordedStep(
        token_id=token_id,
        vocabulary_size=len(row),
        greatest=maximum,
        tail=tail,
        exact_ids=_bytes(top.indices.int()) + struct.pack("=i", token_id),
        exact_logits=_bytes(exact),
        dice=state,
        is_forced=is_forced,
    )


def recorded_logits(step: RecordedStep) -> torch.Tensor:
    """Return the raw logits, shape (vocabulary,), float32, on the host; the caller may change them.

    As exact as the module says.
    """
    if step.tail:
        logits = recorded_differences(step).float() + step.maximum
    else:
        logits = torch.empty(step.vocabulary_size)
    logits[exact_ids(step)] = exact_logits(step)
    return logits


def recorded_differences(step: RecordedStep) -> torch.Tensor:
    """Return ``tail``: all logits less the greatest, shape (vocabulary,), float16."""
    return torch.frombuffer(bytearray(step.tail), dtype=torch.float16)


def exact_ids(step: RecordedStep) -> torch.Tensor:
    """Return the tokens whose logits are exact, int64, in the order of ``exact_logits``."""
    if not step.exact_ids:
        return torch.arange(step.vocabulary_size)
    return torch.frombuffer(bytearray(step.exact_ids), dtype=torch.int32).long()


def exact_logits(step: RecordedStep) -> torch.Tensor:
    """Return the logits of ``exact_ids``, float32."""
    return torch.frombuffer(bytearray(step.exact_logits), dtype=torch.float32)


def _bytes(tensor: torch.Tensor) -> bytes:
    host = tensor.cpu().contiguous()
    # By its address: every step of a small model waits for this, and numpy's way takes it longer.
    return ctypes.string_at(host.data_ptr(), host.nbytes)


def _half_below(difference: float) -> float:
    """Return the greatest float16 that is not above ``difference``, a number that is at most 0."""
    half = torch.tensor(difference, dtype=torch.float16)
    if float(half) > difference:
        # For negative float16, the next bit pattern is the next smaller number.
        half = (half.view(torch.int16) + 1).view(torch.float16)
    return float(half)
