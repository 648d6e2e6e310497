"""When to paint next: as often as can be seen, but never so often that a fast model waits for it.

Model and screen share one interpreter, and a small model takes a step in half a millisecond, so
that a frame is some steps not taken. Must never paint, and never keeps a frame back for long.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.06
"""As much of the time may go into painting, as far as ``LONGEST_WAIT`` allows."""

LONGEST_WAIT = 1 / 10
"""In seconds: no frame waits longer for its turn, whatever frames cost."""

MANY_STEPS = 40
"""As many in a frame are what a model of some 500 tokens a second writes, or a faster one.

The next frame then takes its ``LONGEST_WAIT``, though it may be cheap: ten times a second such a
text still flows, and more often it would come later without being easier to read.
"""


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
        self._steps = 0

    def begin_frame(self, steps: int = 0) -> None:
        """Count from here on what this frame costs, which shows ``steps`` new steps."""
        self._began, self._worked, self._steps = self._clock(), self._work(), steps

    def waive(self) -> None:
        """Let the next frame come at once: it answers what a person did."""
        self._began = None

    @property
    def is_due(self) -> bool:
        """Whether another frame may be painted now."""
        return self.wait <= 0

    @property
    def wait(self) -> float:
        """For how many seconds no other frame is due, by what this one has cost until now."""
        if self._began is None:
            return 0.0
        wanted = LONGEST_WAIT
        if self._steps < MANY_STEPS:
            wanted = min(wanted, (self._work() - self._worked) / SHARE)
        return wanted - (self._clock() - self._began)
