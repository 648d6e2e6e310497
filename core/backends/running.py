"""What was submitted to the thread that owns the model: a run, or several side by side.

Must never call a model by itself: it says what to call, and keeps count of what is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.backends.base import Backend
from core.records.comparison import ColumnEvent
from core.records.request import Request
from core.records.steps import Event, Finished

RunEvent = Event | ColumnEvent


class Running:
    """One run that was submitted; ``is_over`` once it has ended for good."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.is_cancelled = False
        self.is_over = False

    def events(self, backend: Backend, is_cancelled: Callable[[], bool]) -> Iterator[RunEvent]:
        """Run it."""
        return backend.generate(self._request, is_cancelled)

    def take(self, event: RunEvent) -> None:
        """Take note of one of its events, before anyone else hears of it."""
        self.is_over = isinstance(event, Finished)

    def failed(self, detail: str) -> list[RunEvent]:
        """End it, where it has not ended, for a reason that is a sentence; return what tells so."""
        is_told, self.is_over = self.is_over, True
        return [] if is_told else [Finished("failed", (), "", 0.0, detail=detail)]


class RunningColumns:
    """Several runs side by side that were submitted; see ``Running``."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self._requests = requests
        self._open = set(range(len(requests)))
        self.is_cancelled = False

    @property
    def is_over(self) -> bool:
        """Whether all have ended."""
        return not self._open

    def events(self, backend: Backend, is_cancelled: Callable[[], bool]) -> Iterator[RunEvent]:
        """Run them."""
        return backend.compare(self._requests, is_cancelled)

    def take(self, event: RunEvent) -> None:
        """Take note of one of their events, before anyone else hears of it."""
        if isinstance(event, ColumnEvent) and isinstance(event.event, Finished):
            self._open.discard(event.column)

    def failed(self, detail: str) -> list[RunEvent]:
        """End those that have not ended, for a reason that is a sentence; return what tells so."""
        columns, self._open = sorted(self._open), set()
        return [ColumnEvent(one, Finished("failed", (), "", 0.0, detail=detail)) for one in columns]
