"""When to paint next: as often as can be seen, but never so often that a fast model waits for it.

Model and screen share one interpreter, and a small model takes a step in half a millisecond, so
that a frame is some steps not taken. Must never paint, and never keeps a frame back for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.06
"""As much of the time may go into painting, as far as ``LONGEST_WAIT`` allows."""

LONGEST_WAIT = 1 / 12
"""In seconds: no frame waits longer for its turn than until the next look, whatever frames cost."""


class FrameBudget:
    """Weighs what the thread has done since the last frame against the time since then."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        work: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock = clock
        self._work = work
        self._began: float | None = None
        self._worked = 0.0

    def begin_frame(self) -> None:
        """Count from here on what this frame costs."""
        self._began, self._worked = self._clock(), self._work()

    def waive(self) -> None:
        """Let the next frame come at once: it answers what a person did."""
        self._began = None

    @property
    def is_due(self) -> bool:
        """Whether another frame may be painted now."""
        if self._began is None:
            return True
        waited = self._clock() - self._began
        return waited >= LONGEST_WAIT or self._work() - self._worked <= SHARE * waited
