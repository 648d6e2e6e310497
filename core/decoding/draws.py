"""What one draw takes from a generator.

``torch.multinomial`` with one sample takes a waiting time for each token, which
``core.looking_back.dice`` tells of. Must never draw a token: torch itself does.
"""

from __future__ import annotations

import torch


def waiting_times(generator: torch.Generator, vocabulary_size: int) -> torch.Tensor:
    """Return the waiting times of the next draw, shape (vocabulary,), float32, on the host.

    The generator stands behind that draw afterwards.
    """
    times = torch.empty(1, vocabulary_size, device=generator.device)
    return times.exponential_(1, generator=generator)[0].cpu()


def skip_draws(generator: torch.Generator, count: int, vocabulary_size: int) -> None:
    """Put ``generator`` where it stands after ``count`` draws of a run."""
    for _ in range(count):
        waiting_times(generator, vocabulary_size)
