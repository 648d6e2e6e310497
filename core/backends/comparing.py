"""Several runs at once by the model of a ``LocalBackend``.

Must never import torch before a model is there, nor let one column's fault end another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from core.records.comparison import ColumnEvent
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.steps import Finished, Started

if TYPE_CHECKING:
    from core.models.loading import LoadedModel

ReadyRequest = Callable[["LoadedModel", Request], tuple[Request, int]]
"""Makes of a request what the model reads; how many turns of a conversation had no room."""


def column_events(
    loaded: LoadedModel,
    requests: Sequence[Request],
    ready_request: ReadyRequest,
    is_cancelled: Callable[[], bool],
) -> Iterator[ColumnEvent]:
    """Yield what ``Backend.compare`` does, until ``is_cancelled`` while prompts are read, too."""
    from core.models.sandbox.process import StoppedError, confined

    events = _events(loaded, requests, ready_request, is_cancelled)
    try:
        # Whoever takes the events may do other things between them, or run another generator.
        with confined().while_wanted(is_cancelled):
            first = next(events)
    except StoppedError:
        why = "stopped before the run began"
        for column in range(len(requests)):
            yield ColumnEvent(column, Finished("cancelled", (), "", 0.0, detail=why))
        return
    yield first
    yield from events


def _events(
    loaded: LoadedModel,
    requests: Sequence[Request],
    ready_request: ReadyRequest,
    is_cancelled: Callable[[], bool],
) -> Iterator[ColumnEvent]:
    from core.decoding.together import failed, generate_together

    ready: dict[int, Request] = {}
    dropped: dict[int, int] = {}
    refused: list[ColumnEvent] = []  # told when all prompts were read, and may no longer be stopped
    for column, request in enumerate(requests):
        try:
            ready[column], dropped[column] = ready_request(loaded, request)
        except PlaygroundError as error:
            refused.append(failed(column, error))
    yield from refused
    for told in generate_together(loaded.model, loaded.codec, ready, is_cancelled):
        if isinstance(told.event, Started):
            started = dataclasses.replace(told.event, dropped_turns=dropped[told.column])
            told = ColumnEvent(told.column, started)
        yield told
