"""What has come since one looked last, for whoever paints it.

Must never hold what is painted: that is the playground's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Changes:
    """What one drain brought.

    Args:
        anything: Whether there is anything to paint.
        steps: How many steps came.
        keys: Whether what can be done now may be other than before.
        returned_prompt: A prompt that did not run, to give back to who typed it.
        failure: A sentence that a person should not miss, or nothing.
        opened: Whether another session is at hand.
        owed: Whether the notice tells of what nobody asked for.
    """

    anything: bool = False
    steps: int = 0
    keys: bool = False
    returned_prompt: str | None = None
    failure: str = ""
    opened: bool = False
    owed: bool = False

    def add(self, later: Changes) -> None:
        """Take in what a later drain brought."""
        self.anything |= later.anything
        self.steps += later.steps
        self.keys |= later.keys
        if later.returned_prompt is not None:
            self.returned_prompt = later.returned_prompt
        self.failure = later.failure or self.failure
        self.opened |= later.opened
        self.owed |= later.owed


_LOOK_SECONDS = 0.005
"""How long who waits sleeps between two looks for what has come."""


def waited_for(
    drain: Callable[[], Changes], is_busy: Callable[[], bool], timeout: float | None
) -> Changes:
    """Return all that comes while a playground ``is_busy``, in one; see its method.

    Raises:
        TimeoutError: It still is after ``timeout`` seconds, where that is given.
    """
    until = None if timeout is None else time.monotonic() + timeout
    changes = drain()
    while is_busy():
        if until is not None and time.monotonic() >= until:
            raise TimeoutError(f"the playground is not at rest after {timeout:g} s")
        time.sleep(_LOOK_SECONDS)
        changes.add(drain())
    return changes
