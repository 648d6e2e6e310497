"""Running out of memory: told in one sentence, and the tokens of a run are kept.

Must never hide any other fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from core.errors import PlaygroundError
from core.models.base import CausalModel
from core.steps import Event, Step

_CPU_ALLOCATOR = "DefaultCPUAllocator"
"""What torch's RuntimeError names where the main memory is full; it has no class of its own."""


def guarded(model: CausalModel, events: Iterator[Event]) -> Iterator[Event]:
    """Pass ``events`` on; where memory runs out, free the cache of ``model`` and say so.

    Raises:
        PlaygroundError: There was not enough memory for the next step.
    """
    steps = 0
    try:
        for event in events:
            steps += isinstance(event, Step)
            yield event
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise _out_of_memory(model, steps) from error


@contextmanager
def enough_memory_to_score(model: CausalModel) -> Iterator[None]:
    """Say so where memory runs out while a text is scored, and free the cache of ``model``.

    Raises:
        PlaygroundError: There was not enough memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        model.rewind(0)
        raise PlaygroundError(
            f"{model.device} ran out of memory; score a shorter part of the text"
        ) from error


def _is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    is_named = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_named or _CPU_ALLOCATOR in str(error)


def _out_of_memory(model: CausalModel, steps: int) -> PlaygroundError:
    model.rewind(0)  # a step that broke off may have left a part of itself in the cache
    return PlaygroundError(
        f"{model.device} ran out of memory after {steps} step{'' if steps == 1 else 's'}; use"
        " fewer beams, a shorter document or a smaller model, or close other programs"
    )
