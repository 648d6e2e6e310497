"""One call on a thread of its own, for what would keep the screen from painting.

Must never touch a widget: whoever waits asks whether it is done, on a timer. The thread ends with
the process, so that nobody who quits waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from core.records.errors import PlaygroundError
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class BackgroundCall(Generic[Result]):
    """Starts ``call`` at once; ``failure`` names in a few words what failed, should it fail."""

    def __init__(self, call: Callable[[], Result], failure: str) -> None:
        self._call = call
        self._failure = failure
        self._results: list[Result] = []
        self._error: PlaygroundError | None = None
        self._thread = threading.Thread(target=self._work, name="background call", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._error = PlaygroundError(unexpected(failure, error))

    @property
    def is_done(self) -> bool:
        """Whether ``result`` can be had."""
        return bool(self._results) or self._error is not None

    def wait(self, seconds: float) -> bool:
        """Wait until the call is done, at most ``seconds``; return whether it is.

        Only for what is done at once but where a model's own files hold it up.
        """
        if not self.is_done:
            self._thread.join(seconds)
        return self.is_done

    def result(self) -> Result:
        """Return what the call returned; ask only when it ``is_done``.

        Raises:
            PlaygroundError: The call failed.
        """
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _work(self) -> None:
        try:
            self._results.append(self._call())
        except PlaygroundError as error:
            self._error = error
        except BaseException as error:  # a thread that ends without a word is waited for in vain
            logger.exception(self._failure)
            self._error = PlaygroundError(unexpected(self._failure, error))
