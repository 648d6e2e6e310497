"""Running out of memory in the middle of a run: told in one sentence, with the run's tokens kept.

Must never hide any other fault.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.errors import PlaygroundError
from core.models.base import CausalModel
from core.steps import BeamStep, Event, TokenStep

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
            steps += isinstance(event, TokenStep | BeamStep)
            yield event
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(model, steps) from error
    except RuntimeError as error:
        if _CPU_ALLOCATOR not in str(error):
            raise
        raise _out_of_memory(model, steps) from error


def _out_of_memory(model: CausalModel, steps: int) -> PlaygroundError:
    model.rewind(0)  # a step that broke off may have left a part of itself in the cache
    return PlaygroundError(
        f"{model.device} ran out of memory after {steps} step{'' if steps == 1 else 's'}; use"
        " fewer beams, a shorter document or a smaller model, or close other programs"
    )
