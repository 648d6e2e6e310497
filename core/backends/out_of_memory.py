"""A model that goes on working, whatever has broken one of its steps.

Where memory ran out, that is told in one sentence, and the tokens of a run are kept. Must never
hide any other fault.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import torch

from core.models.base import CausalModel
from core.models.device.memory_errors import is_out_of_memory
from core.records.comparison import ColumnEvent
from core.records.errors import PlaygroundError
from core.records.outlook import Growth
from core.records.steps import Event, Step

_Result = TypeVar("_Result")
_Event = TypeVar("_Event", Event, ColumnEvent)


def guarded(model: CausalModel, events: Iterator[_Event]) -> Iterator[_Event]:
    """Pass ``events`` on; where a step breaks off, have ``model`` begin anew.

    Raises:
        PlaygroundError: There was not enough memory for the next step.
    """
    steps = 0

    def counted() -> Iterator[_Event]:
        nonlocal steps
        for event in events:
            told = event.event if isinstance(event, ColumnEvent) else event
            steps += isinstance(told, Step)
            yield event

    if (yield from _passed_on(model, counted())):
        return
    raise PlaygroundError(
        f"{model.device} ran out of memory after {steps} step{'' if steps == 1 else 's'}; use"
        " fewer beams, a shorter document or a smaller model, or close other programs"
    )


def guarded_outlook(model: CausalModel, growths: Iterator[Growth]) -> Iterator[Growth]:
    """Pass ``growths`` on; where the search breaks off, have ``model`` begin anew.

    Raises:
        PlaygroundError: There was not enough memory to look further.
    """
    if not (yield from _passed_on(model, growths)):
        raise PlaygroundError(
            f"{model.device} ran out of memory; look less far, from a shorter text or with a"
            " smaller model, or close other programs"
        )


def _passed_on(model: CausalModel, found: Iterator[_Result]) -> Generator[_Result, None, bool]:
    """Pass on what is ``found``; return whether it came to its end, or memory ran out."""
    try:
        yield from found
    except (PlaygroundError, GeneratorExit):
        raise
    except BaseException as error:  # not all that libraries raise is an Exception
        _check_that_memory_is_short(error, model)
    else:
        return True
    _give_back(model)
    return False


def guarded_scoring(model: CausalModel, score: Callable[[], _Result]) -> _Result:
    """Return what ``score`` does; where it breaks off, have ``model`` begin anew.

    Raises:
        PlaygroundError: There was not enough memory.
    """
    try:
        return score()
    except PlaygroundError:
        raise
    except BaseException as error:
        _check_that_memory_is_short(error, model)
    _give_back(model)
    raise PlaygroundError(f"{model.device} ran out of memory; score a shorter part of the text")


def _check_that_memory_is_short(error: BaseException, model: CausalModel) -> None:
    """Raise ``error`` where it says anything else."""
    if not is_out_of_memory(error):
        model.reset()  # a step that broke off may have left a part of itself in the cache
        raise error


def _give_back(model: CausalModel) -> None:
    """Free what texts took; called when the error is gone, which held what was being computed."""
    model.reset()
    if model.device.type == "cuda":
        torch.cuda.empty_cache()  # torch keeps what is free, and CUDA's libraries need some too
