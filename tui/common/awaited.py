"""A result that comes on a thread of its own, looked for on a timer while one is awaited.

Must never wait for a result while the app goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from textual.message_pump import MessagePump
from textual.timer import Timer

from core.backends.background_call import BackgroundCall
from core.backends.newest_call import NewestCall

Result = TypeVar("Result")


class Awaited(Generic[Result]):
    """Hands each call that has ended to ``take``, on the app's thread; see ``NewestCall``.

    ``failure`` names in a few words what failed, should a call fail.
    """

    def __init__(self, failure: str, take: Callable[[BackgroundCall[Result]], None]) -> None:
        self._calls: NewestCall[Result] = NewestCall(failure)
        self._take = take
        self._timer: Timer | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a result is still to come."""
        return self._calls.is_busy

    def start(self, owner: MessagePump, looks_per_second: float) -> None:
        """Look on a timer of ``owner`` from now on, whenever something is awaited."""
        self._timer = owner.set_interval(1 / looks_per_second, self._look, pause=True)

    def ask(self, call: Callable[[], Result]) -> None:
        """Make ``call`` in place of any that waits."""
        self._calls.ask(call)
        if self._timer is not None:
            self._timer.resume()

    def ended(self, within: float) -> Iterator[BackgroundCall[Result]]:
        """Yield what is still to come, while each ends ``within`` seconds: the app is ending."""
        while self._calls.wait(within) and (call := self._calls.finished()) is not None:
            yield call

    def _look(self) -> None:
        call = self._calls.finished()
        if call is None:
            return
        if not self._calls.is_busy and self._timer is not None:
            self._timer.pause()
        self._take(call)
