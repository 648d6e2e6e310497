"""The one thread that owns the model: commands go in, events come out through a queue.

Must never touch a widget, and nothing but this thread may call the backend.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from core.backends.base import Backend, ModelInfo, Request
from core.errors import PlaygroundError
from core.steps import Event, Finished

logger = logging.getLogger(__name__)

BackendFactory = Callable[[], Backend]


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being made ready: what happens now, and the share done, 0 to 1, if known."""

    stage: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A model answers from now on."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A model could not be had; ``message`` says why and what to do.

    Where another model ran before, ``falls_back`` is true: that one is loaded again, and its
    ``Ready`` (or another ``LoadFailed``) follows.
    """

    message: str
    falls_back: bool = False


ServiceEvent = Event | Loading | Ready | LoadFailed


@dataclass(slots=True)
class _Run:
    request: Request
    is_cancelled: bool = False
    is_over: bool = False


class GenerationService:
    """Loads a backend and runs one request at a time on a thread of its own.

    A run never starts before the one before it has returned. ``cancel`` takes effect before the
    next step. All methods are called from one other thread.
    """

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[_Run | BackendFactory | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[ServiceEvent] = queue.SimpleQueue()
        self._submitted: list[_Run] = []
        self._closing = threading.Event()
        self._backend: Backend | None = None
        self._factory: BackendFactory | None = None
        self._thread = threading.Thread(target=self._work, name="generation", daemon=True)

    def start(self, factory: BackendFactory) -> None:
        """Start the thread; the first thing it does is to make and load the backend."""
        self._commands.put(factory)
        self._thread.start()

    def load(self, factory: BackendFactory) -> None:
        """Change the model: cancel the run, close the backend, then make and load another."""
        self.cancel()
        self._commands.put(factory)

    def submit(self, request: Request) -> None:
        """Run ``request`` after everything submitted before it; its events appear in ``drain``."""
        run = _Run(request)
        self._submitted = [one for one in self._submitted if not one.is_over] + [run]
        self._commands.put(run)

    def cancel(self) -> None:
        """Stop every submitted run before its next step; what it made is in its ``Finished``."""
        for run in self._submitted:
            run.is_cancelled = True

    def drain(self) -> list[ServiceEvent]:
        """Return all events since the last call, oldest first, without waiting."""
        events: list[ServiceEvent] = []
        while True:
            try:
                events.append(self._events.get_nowait())
            except queue.Empty:
                return events

    def close(self, timeout: float = 0.8) -> bool:
        """End the run and the thread, waiting at most ``timeout`` seconds.

        Returns:
            Whether the thread has ended; a thread inside a long call (an import, a large read)
            has not, and ends with the process.
        """
        self._closing.set()
        self._commands.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while not self._closing.is_set():
            command = self._commands.get()
            if command is None:
                break
            if isinstance(command, _Run):
                self._run(command)
            else:
                self._change(command)
        self._release()

    def _change(self, factory: BackendFactory) -> None:
        before = self._factory if self._backend is not None else None
        # The old model's memory is freed first: there may not be room for two.
        self._release()
        if not self._load(factory, falls_back=before is not None) and before is not None:
            self._load(before, falls_back=False)

    def _release(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _load(self, factory: BackendFactory, *, falls_back: bool) -> bool:
        try:
            backend = factory()
            info = backend.load(lambda stage, share=None: self._events.put(Loading(stage, share)))
        except PlaygroundError as error:
            self._events.put(LoadFailed(str(error), falls_back))
            return False
        except Exception as error:
            logger.exception("loading the model failed")
            message = _unexpected("the model could not be loaded", error)
            self._events.put(LoadFailed(message, falls_back))
            return False
        self._backend, self._factory = backend, factory
        self._events.put(Ready(info))
        return True

    def _run(self, run: _Run) -> None:
        if self._backend is None:
            self._fail("no model is loaded yet")
            return
        try:
            for event in self._backend.generate(
                run.request, lambda: run.is_cancelled or self._closing.is_set()
            ):
                self._events.put(event)
        except PlaygroundError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("a run failed")
            self._fail(_unexpected("the run stopped", error))
        finally:
            run.is_over = True

    def _fail(self, detail: str) -> None:
        self._events.put(Finished("failed", (), "", 0.0, detail=detail))


def _unexpected(what: str, error: Exception) -> str:
    first_line = (str(error).splitlines() or [""])[0][:300]
    return f"{what}: {type(error).__name__}: {first_line}"
