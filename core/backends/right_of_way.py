"""Who has the interpreter: a run, which never waits for anything, or what answers a person.

Must never hold up a run for longer than ``LONGEST_REST`` at once.
"""

from __future__ import annotations

import time

LONGEST_REST = 0.04
"""In seconds: so long a run rests at most, whether it was told to go on or not."""

_NAP = 0.002


class RightOfWay:
    """Lets a run rest between two steps while a key is answered.

    Threads that share an interpreter take turns of ``sys.getswitchinterval()``, 5 ms each, and an
    answer takes many: what reads the key, what draws and what writes are three threads.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def take(self) -> None:
        """Have the run rest; any thread may call it."""
        self._until = time.monotonic() + LONGEST_REST

    def give_back(self) -> None:
        """Let the run go on; any thread may call it."""
        self._until = 0.0

    def wait(self) -> None:
        """Rest for as long as somebody has the way; the run calls it after each step."""
        while self._until and time.monotonic() < self._until:
            time.sleep(_NAP)
