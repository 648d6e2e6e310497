"""Logits to a ``RecordedStep`` and back, bit for bit.

Must never change the logits or the generator that it is given, and never rounds: ranks, counts and
draws that are computed again from a record are those of the run.
"""

from __future__ import annotations

import ctypes

import torch

from core.records.recorded_run import RecordedStep


def record_step(
    logits: torch.Tensor,
    token_id: int,
    dice: torch.Tensor | None = None,
    unconditional: torch.Tensor | None = None,
    *,
    is_forced: bool = False,
) -> RecordedStep:
    """Copy one step to the host.

    Args:
        logits: The model's, shape (1, vocabulary), float32, on any device.
        token_id: The chosen token.
        dice: The generator's state before the draw; ``None`` where nothing was drawn.
        unconditional: What the model said without the prompt, shaped like ``logits``, if it was
            asked.
        is_forced: Whether a person chose the token.
    """
    state = None if dice is None else _bytes(dice)
    without = None if unconditional is None else _bytes(unconditional)
    return RecordedStep(token_id, logits.shape[-1], _bytes(logits), state, is_forced, without)


def recorded_logits(step: RecordedStep) -> torch.Tensor:
    """Return the raw logits, shape (vocabulary,), float32, on the host; the caller may change them.

    They are those that were recorded, to the bit.
    """
    return torch.frombuffer(bytearray(step.logits), dtype=torch.float32)


def recorded_unconditional(step: RecordedStep) -> torch.Tensor | None:
    """Return the logits without the prompt as ``recorded_logits`` does, ``None`` without any."""
    if step.unconditional is None:
        return None
    return torch.frombuffer(bytearray(step.unconditional), dtype=torch.float32)


def _bytes(tensor: torch.Tensor) -> bytes:
    host = tensor.cpu().contiguous()
    # By its address: every step of a small model waits for this, and numpy's way takes it longer.
    return ctypes.string_at(host.data_ptr(), host.nbytes)
