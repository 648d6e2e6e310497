"""A download in the background, so that the model at hand stays usable meanwhile.

Must never touch a widget or import a model library; huggingface_hub is imported in its thread.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.models.hub.download import DownloadProgress, download
from core.models.hub.errors import DownloadCancelled
from core.records.errors import PlaygroundError
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

Fetch = Callable[[str, Callable[[DownloadProgress], None], Callable[[], bool]], Path]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A model is complete in ``folder``."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """A download ended early; ``message`` says why and what to do."""

    name: str
    message: str
    was_cancelled: bool


DownloadEvent = DownloadProgress | Downloaded | DownloadFailed


@dataclass(slots=True)
class _Order:
    name: str
    is_cancelled: threading.Event = field(default_factory=threading.Event)


class DownloadService:
    """Fetches one model at a time on a thread of its own.

    All methods may be called from any one other thread; none of them waits, except ``close``.
    """

    def __init__(self, fetch: Fetch = download) -> None:
        """Begin with nothing to do; ``fetch`` stands in for ``core.models.hub.download``."""
        self._fetch = fetch
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._events: list[DownloadEvent] = []
        self._lock = threading.Lock()
        self._current: _Order | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> str | None:
        """The name of the model that is being fetched, ``None`` while nothing is."""
        order = self._current
        return None if order is None or order.is_cancelled.is_set() else order.name

    def start(self, name: str) -> None:
        """Fetch ``name``; what happens appears in ``drain``.

        Raises:
            PlaygroundError: Another download runs, or the service is closed, or the system has no
                thread for it.
        """
        if self._is_closed:
            raise PlaygroundError("the program is ending; start the download again afterwards")
        if self.running is not None:
            raise PlaygroundError(f"{self.running!r} is being downloaded; cancel that first")
        self._current = _Order(name)
        self._orders.put(self._current)
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="downloads", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system has no thread left
                self._current = None
                sentence = unexpected(f"the download of {name!r} cannot begin", error)
                raise PlaygroundError(sentence) from None
            self._thread = thread

    def cancel(self) -> None:
        """Stop the download; what has come is kept, and ``DownloadFailed`` follows."""
        order = self._current
        if order is not None:
            order.is_cancelled.set()

    def drain(self) -> list[DownloadEvent]:
        """Return all events since the last call, oldest first, without waiting.

        Of several reports on one download's progress only the newest is there.
        """
        with self._lock:
            events, self._events = self._events, []
        return events

    def close(self, timeout: float = 0.8) -> bool:
        """Stop the download and the thread, waiting at most ``timeout`` seconds.

        Returns:
            Whether the thread has ended.
        """
        self._is_closed = True
        self.cancel()
        self._orders.put(None)
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            event = self._run(order)
            with self._lock:
                if self._current is order:
                    self._current = None
                self._events.append(event)

    def _run(self, order: _Order) -> DownloadEvent:
        if order.is_cancelled.is_set():
            return DownloadFailed(order.name, f"the download of {order.name!r} was cancelled", True)
        try:
            folder = self._fetch(order.name, self._report, order.is_cancelled.is_set)
        except DownloadCancelled as error:
            return DownloadFailed(order.name, str(error), True)
        except PlaygroundError as error:
            return DownloadFailed(order.name, str(error), False)
        except BaseException as error:  # a thread that ends without a word is waited for in vain
            logger.debug("the download of %r failed", order.name, exc_info=error)
            sentence = unexpected(f"the download of {order.name!r} failed", error)
            return DownloadFailed(order.name, sentence, False)
        return Downloaded(order.name, folder)

    def _report(self, progress: DownloadProgress) -> None:
        with self._lock:
            if self._events and isinstance(self._events[-1], DownloadProgress):
                self._events.pop()
            self._events.append(progress)
