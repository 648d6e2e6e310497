"""What is done beside runs on the thread that owns the model: a text is read, or texts to come.

Must never choose a token, nor let a fault end that thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from core.backends.base import Backend
from core.records.errors import PlaygroundError
from core.records.outlook import Growth, Reach
from core.records.request import Request
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

LOOK_SECONDS = 0.2
"""How long whoever waits for what is read waits before it looks whether the thread still lives."""


class Said(NamedTuple):
    """What is said where a reading comes to nothing: a run goes on, it was ended, or it failed."""

    busy: str
    stopped: str
    failed: str


SCORING = Said(
    "a run is going on; score the text when it has ended",
    "the scoring was stopped",
    "the text could not be scored",
)
READING_AGAIN = Said(
    "a run is going on; look closer when it has ended",
    "the reading was stopped",
    "the text could not be read again",
)
LOOKING_OUT = Said(
    "a run is going on; look at what could be said when it has ended",
    "the search was stopped",
    "what could be said could not be found out",
)


def looking_out(
    request: Request, reach: Reach, take: Callable[[Growth], None]
) -> Callable[[Backend, Callable[[], bool]], None]:
    """Return what has a backend look out, and hands each growth to ``take`` as it is found."""

    def look(backend: Backend, is_cancelled: Callable[[], bool]) -> None:
        for growth in backend.outlook(request, reach, is_cancelled):
            take(growth)

    return look


@dataclass(slots=True)
class Reading(Generic[_Result]):
    """What is read beside all runs, and what is said should it come to nothing."""

    read: Callable[[Backend, Callable[[], bool]], _Result]
    is_cancelled: Callable[[], bool]
    said: Said
    result: Future[_Result] = field(default_factory=Future)

    def do(self, backend: Callable[[], Backend]) -> None:
        """Read it on this thread, and hand the result over."""
        try:
            result = self._done(backend)
        except PlaygroundError as error:
            self.result.set_exception(error)
        except BaseException as error:
            logger.exception(self.said.failed)
            self.result.set_exception(PlaygroundError(unexpected(self.said.failed, error)))
        else:
            self.result.set_result(result)

    def wait(self, is_alive: Callable[[], bool]) -> _Result:
        """Return the result, on another thread; ``is_alive`` is whether the first one lives.

        Raises:
            PlaygroundError: It cannot be read, or was stopped.
        """
        while True:
            try:
                return self.result.result(timeout=LOOK_SECONDS)
            except TimeoutError:
                if not is_alive() and not self.result.done():
                    raise PlaygroundError(self.said.stopped) from None

    def _done(self, backend: Callable[[], Backend]) -> _Result:
        if not self.is_cancelled():
            result = self.read(backend(), self.is_cancelled)
            if not self.is_cancelled():  # else it may be incomplete
                return result
        raise PlaygroundError(self.said.stopped)
