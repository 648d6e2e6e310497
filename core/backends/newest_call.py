"""Calls on a thread of their own, one after the other, of which only the newest is wanted.

Must never touch a widget: whoever waits asks on a timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from core.backends.background_call import BackgroundCall

Result = TypeVar("Result")


class NewestCall(Generic[Result]):
    """Begins a call when the one before has ended; of those that wait, all but the last go.

    ``failure`` names in a few words what failed, should a call fail.
    """

    def __init__(self, failure: str) -> None:
        self._failure = failure
        self._running: BackgroundCall[Result] | None = None
        self._waiting: Callable[[], Result] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a result is still to come."""
        return self._running is not None

    def ask(self, call: Callable[[], Result]) -> None:
        """Make ``call`` in place of any that waits."""
        if self._running is None:
            self._running = BackgroundCall(call, self._failure)
        else:
            self._waiting = call

    def wait(self, seconds: float) -> bool:
        """Wait until the call that was begun has ended, ``seconds`` at most; whether one has."""
        return self._running is not None and self._running.wait(seconds)

    def finished(self) -> BackgroundCall[Result] | None:
        """Return a call that has ended since the last look, and begin the one that waits."""
        if self._running is None or not self._running.is_done:
            return None
        ended, self._running = self._running, None
        if self._waiting is not None:
            self._running = BackgroundCall(self._waiting, self._failure)
            self._waiting = None
        return ended
