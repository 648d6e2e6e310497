"""What is done with a text that is there already, on the thread that owns the model.

Must never choose a token, nor let a fault end that thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.backends.base import Backend
from core.records.errors import PlaygroundError
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

LOOK_SECONDS = 0.2
"""How long whoever waits for what is read waits before it looks whether the thread still lives."""


@dataclass(slots=True)
class Reading(Generic[_Result]):
    """A text that is there already and is read; the words say what is done with it."""

    read: Callable[[Backend, Callable[[], bool]], _Result]
    is_cancelled: Callable[[], bool]
    stopped: str
    failed: str
    result: Future[_Result] = field(default_factory=Future)

    def do(self, backend: Callable[[], Backend]) -> None:
        """Read it on this thread, and hand the result over."""
        try:
            result = self._done(backend)
        except PlaygroundError as error:
            self.result.set_exception(error)
        except BaseException as error:
            logger.exception(self.failed)
            self.result.set_exception(PlaygroundError(unexpected(self.failed, error)))
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
                    raise PlaygroundError(self.stopped) from None

    def _done(self, backend: Callable[[], Backend]) -> _Result:
        if not self.is_cancelled():
            result = self.read(backend(), self.is_cancelled)
            if not self.is_cancelled():  # else it may be incomplete
                return result
        raise PlaygroundError(self.stopped)
