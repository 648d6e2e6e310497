"""The one thread that owns the model: commands go in, events come out through a queue.

Must never touch a widget, nor end its thread for what a library raises, whatever that is; and
nothing but this thread may call the backend, except for what the backend offers to every thread.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from core.backends.allocator import give_memory_back, share_memory_among_threads
from core.backends.base import Backend
from core.backends.reading import READING_AGAIN, SCORING, Reading, Said
from core.backends.right_of_way import RightOfWay
from core.backends.running import RunEvent, Running, RunningColumns
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.loading import LoadFailed, Loading, Ready
from core.records.model_report import ModelReport
from core.records.prompt_tokens import PromptToken
from core.records.recorded_run import RunRecorder, TokenTexts, WrittenRun
from core.records.request import Request
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.text.visible import unexpected

logger = logging.getLogger(__name__)

BackendFactory = Callable[[], Backend]

_DEAD = "the thread that runs the model has ended; start the program again"

ServiceEvent = RunEvent | Loading | Ready | LoadFailed

_Result = TypeVar("_Result")


class GenerationService:
    """Loads a backend and runs one request at a time on a thread of its own.

    A run never starts before the one before it has returned. ``cancel`` takes effect before the
    next step. All methods are called from one other thread, but for ``prompt_tokens``,
    ``token_texts``, ``inspect``, ``read``, ``score`` and ``read_again``, which any thread may call.
    """

    def __init__(self) -> None:
        share_memory_among_threads()
        self._commands: queue.SimpleQueue[
            Running | RunningColumns | Reading[Any] | BackendFactory | None
        ] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[ServiceEvent] = queue.SimpleQueue()
        self._submitted: list[Running | RunningColumns] = []
        self._closing = threading.Event()
        self._backend: Backend | None = None
        self._factory: BackendFactory | None = None
        self._loads = 0
        self._ended_loads = 0
        self._is_started = False
        self.way = RightOfWay()  # taken by what answers a person
        self._thread = threading.Thread(target=self._work, name="generation", daemon=True)

    def start(self, factory: BackendFactory) -> None:
        """Start the thread; the first thing it does is to make and load the backend."""
        self._loads += 1
        self._commands.put(factory)
        self._is_started = True
        with contextlib.suppress(RuntimeError):  # no thread to be had, as drain tells
            self._thread.start()

    def load(self, factory: BackendFactory) -> None:
        """Change the model: cancel the run, close the backend, then make and load another."""
        self.cancel()
        self._loads += 1  # ends a scoring under the model before
        self._commands.put(factory)

    def submit(self, request: Request) -> None:
        """Run ``request`` after everything submitted before it; its events appear in ``drain``."""
        self._submit(Running(request))

    def compare(self, requests: Sequence[Request]) -> None:
        """Run ``requests`` side by side, as ``submit`` does one; their events say which is whose.

        Each of them ends with a ``ColumnEvent`` of a ``Finished``.
        """
        self._submit(RunningColumns(requests))

    def _submit(self, run: Running | RunningColumns) -> None:
        self._submitted = [one for one in self._submitted if not one.is_over] + [run]
        self._commands.put(run)

    def cancel(self) -> None:
        """Stop every submitted run before its next step; what it made is in its ``Finished``."""
        for run in self._submitted:
            run.is_cancelled = True

    def drain(self) -> list[ServiceEvent]:
        """Return all events since the last call, oldest first, without waiting.

        Should the thread have died, whatever still waits for it ends as failed.
        """
        has_died = self._has_died()  # asked first: what it said before it died is in the queue
        events: list[ServiceEvent] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._events.get_nowait())
        return [*events, *self._last_words()] if has_died else events

    def _has_died(self) -> bool:
        return self._is_started and not self._thread.is_alive() and not self._closing.is_set()

    def _last_words(self) -> list[ServiceEvent]:
        """Return the ends of what the dead thread will never end."""
        self._backend = None
        words: list[ServiceEvent] = []
        for run in self._submitted:
            words += run.failed(_DEAD)
        if self._ended_loads < self._loads:
            self._ended_loads = self._loads
            words.append(LoadFailed(_DEAD))
        return words

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return the tokens of a prompt under the model that answers now; see ``Backend``.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self._loaded().prompt_tokens(text, is_beginning=is_beginning)

    def inspect(self) -> ModelReport:
        """Look into the model that answers now; see ``Backend``. This can take seconds.

        Raises:
            PlaygroundError: No model is loaded, or its files cannot be used any more.
        """
        return self._loaded().inspect()

    def score(
        self,
        text: Scorable | WrittenTokens,
        presets: Sequence[Preset],
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ScoredText:
        """Score ``text`` on the model's thread and wait for it; see ``Backend``.

        This can take seconds: call it on a thread that nobody waits for. Runs that are submitted
        meanwhile begin afterwards, so end it with ``is_cancelled`` when nobody wants it any more.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, the text cannot be scored, or
                the scoring was ended before it was complete.
        """
        return self.read(
            lambda backend, is_cancelled: backend.score(text, presets, is_cancelled),
            is_cancelled,
            SCORING,
        )

    def read_again(
        self, run: WrittenRun, recorder: RunRecorder, is_cancelled: Callable[[], bool]
    ) -> float:
        """Have ``run`` recorded on the model's thread and wait for it; see ``Backend``.

        For this thread and ``is_cancelled``, see ``score``.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, the model cannot read it, or
                the reading was ended before it was complete.
        """
        return self.read(
            lambda backend, is_cancelled: backend.read_again(run, recorder, is_cancelled),
            is_cancelled,
            READING_AGAIN,
        )

    def token_texts(self) -> TokenTexts | None:
        """Return what names the tokens of the model that answers now; ``None`` without one."""
        backend = self._backend
        return backend.token_texts() if backend is not None else None

    def read(
        self,
        read: Callable[[Backend, Callable[[], bool]], _Result],
        is_cancelled: Callable[[], bool],
        said: Said,
    ) -> _Result:
        """Have ``read`` done on the model's thread where nothing runs; return what it returns.

        For this thread and ``is_cancelled``, see ``score``; ``said`` is said where it comes to
        nothing.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, ``read`` failed or was ended.
        """
        self._loaded()
        if any(not run.is_over for run in self._submitted):
            raise PlaygroundError(said.busy)
        loads = self._loads
        reading = Reading(
            read, lambda: is_cancelled() or self._closing.is_set() or self._loads != loads, said
        )
        self._commands.put(reading)
        return reading.wait(self._thread.is_alive)

    def _loaded(self) -> Backend:
        backend = self._backend
        if backend is None:
            raise PlaygroundError("no model is loaded")
        return backend

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
            if isinstance(command, Running | RunningColumns):
                self._run(command)
            elif isinstance(command, Reading):
                command.do(self._loaded)
            else:
                self._change(command)
            give_memory_back()
        self._release()

    def _change(self, factory: BackendFactory) -> None:
        before = self._factory if self._backend is not None else None
        # The old model's memory is freed first: there may not be room for two.
        self._release()
        if not self._load(factory, falls_back=before is not None) and before is not None:
            self._load(before, falls_back=False)
        self._ended_loads += 1

    def _release(self) -> None:
        backend, self._backend = self._backend, None
        if backend is None:
            return
        try:
            backend.close()
        except BaseException:
            logger.exception("a model could not be closed")

    def _load(self, factory: BackendFactory, *, falls_back: bool) -> bool:
        try:
            backend = factory()
            info = backend.load(lambda stage, share=None: self._events.put(Loading(stage, share)))
        except PlaygroundError as error:
            self._events.put(LoadFailed(str(error), falls_back))
            return False
        except BaseException as error:
            logger.exception("loading the model failed")
            message = unexpected("the model could not be loaded", error)
            self._events.put(LoadFailed(message, falls_back))
            return False
        self._backend, self._factory = backend, factory
        self._events.put(Ready(info))
        return True

    def _run(self, run: Running | RunningColumns) -> None:
        backend = self._backend
        if backend is None:
            self._fail(run, "no model is loaded yet")
            return
        try:
            for event in run.events(backend, lambda: run.is_cancelled or self._closing.is_set()):
                run.take(event)
                self._events.put(event)
                self.way.wait()
        except PlaygroundError as error:
            self._fail(run, str(error))
        except BaseException as error:
            logger.exception("a run failed")
            self._fail(run, unexpected("the run stopped", error))

    def _fail(self, run: Running | RunningColumns, detail: str) -> None:
        for event in run.failed(detail):
            self._events.put(event)
