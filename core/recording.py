"""Logits to a ``RecordedStep`` and back.

Must never change the logits or the generator that it is given. The likeliest ``EXACT_LOGITS``
tokens and the chosen one come back as they were, bit for bit. The others are kept as float16
differences d to the greatest logit, off by at most ``|d| / 2048``; a token outside the likeliest
256 has at most 1/257 of the probability, so that its own is off by less than 1.1e-5. No token
changes places with one of the likeliest.
"""

from __future__ import annotations

import torch

from core.logits_store import RecordedStep

EXACT_LOGITS = 256
"""How many of the likeliest tokens keep their float32 logits."""


def record_step(
    logits: torch.Tensor, token_id: int, dice: torch.Tensor | None = None
) -> RecordedStep:
    """Copy one step to the host.

    Args:
        logits: The model's, shape (1, vocabulary), float32, on any device.
        token_id: The chosen token.
        dice: The generator's state before the draw; ``None`` where nothing was drawn.
    """
    row = logits[0]
    top = torch.topk(row, min(EXACT_LOGITS, row.shape[-1]))
    maximum = top.values[0]
    exact_ids = torch.cat((top.indices, top.indices.new_tensor([token_id]))).int()
    exact_logits = torch.cat((top.values, row[token_id : token_id + 1]))
    tail = b""
    if len(top.values) < len(row):
        differences = (row - maximum).half()
        tail = _bytes(torch.minimum(differences, _half_below(top.values[-1] - maximum)))
    return RecordedStep(
        token_id=token_id,
        vocabulary_size=len(row),
        maximum=float(maximum),
        tail=tail,
        exact_ids=_bytes(exact_ids),
        exact_logits=_bytes(exact_logits),
        dice=None if dice is None else _bytes(dice),
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
    """Return the tokens whose logits are exact, likeliest first, then the chosen one, int64."""
    return torch.frombuffer(bytearray(step.exact_ids), dtype=torch.int32).long()


def exact_logits(step: RecordedStep) -> torch.Tensor:
    """Return the logits of ``exact_ids``, float32."""
    return torch.frombuffer(bytearray(step.exact_logits), dtype=torch.float32)


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.cpu().numpy().tobytes()


def _half_below(difference: torch.Tensor) -> torch.Tensor:
    """Return the greatest float16 that is not above ``difference``, a number that is at most 0."""
    half = difference.half()
    # For negative float16, the next bit pattern is the next smaller number.
    below = (half.view(torch.int16) + 1).view(torch.float16)
    return torch.where(half > difference, below, half)
