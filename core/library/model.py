"""A model as one holds it in a notebook: ready, and busy with one run at a time.

Must never know what kind of backend it holds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
import weakref
from collections.abc import Iterator, Sequence
from types import TracebackType

from core.backends.base import Backend
from core.document.export.about import about_run
from core.library.run import Run
from core.looking_back.logits_store import LogitsStore
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.outlook import Growth, Reach
from core.records.progress import Report
from core.records.request import Request
from core.records.scores import Scorable, ScoredText, WrittenTokens


def silent(stage: str, share: float | None = None, /) -> None:
    """Tell nobody how far loading has come."""


class Model:
    """A loaded model; ``load_model`` makes one, or give any ``Backend``. ``info`` says what it is.

    It does one run at a time: one that is still open when another begins, or a text is scored, is
    read to its end first, unless nobody holds it any more. ``with`` closes it. To be used from one
    thread.
    """

    def __init__(self, backend: Backend, report: Report = silent) -> None:
        """Load ``backend``, telling ``report`` what happens.

        Raises:
            PlaygroundError: The model cannot be had.
        """
        self.info = backend.load(report)
        self._backend: Backend | None = backend
        self._store = LogitsStore()
        self._keys = itertools.count()
        self._open: weakref.ref[Run] | None = None

    def __repr__(self) -> str:
        return f"<Model {self.info.name}: {self.info.device}, {self.info.dtype}>"

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End a run that is open, and free the model's memory."""
        if self._backend is None:
            return
        run = self._open() if self._open is not None else None
        if run is not None:
            run.close()
        self._backend.close()
        self._backend = None

    def run(self, request: Request, prompt: str, preset_name: str = "") -> Run:
        """Begin ``request``; ``prompt`` and ``preset_name`` are what its file will say of it.

        Raises:
            PlaygroundError: It cannot be run, or the model is closed.
        """
        backend, store = self._ready(), self._store
        key, stop = str(next(self._keys)), threading.Event()
        request = dataclasses.replace(request, recorder=store.recorder(key))
        run = Run(
            prompt,
            request.settings,
            about_run(
                self.info,
                preset_name,
                request.settings,
                request.chat,
                request.messages,
                is_by_hand=request.most_drawn is not None,
            ),
            backend.generate(request, stop.is_set),
            stop=stop,
            recorded=lambda: store.run(key),
        )
        weakref.finalize(run, store.forget, key)
        self._open = weakref.ref(run)
        return run

    def score(self, text: Scorable | WrittenTokens, presets: Sequence[Preset]) -> ScoredText:
        """Score a text or tokens; see ``Backend``.

        Raises:
            PlaygroundError: They cannot be scored, or the model is closed.
        """
        return self._ready().score(text, presets, lambda: False)

    def look_out(self, request: Request, reach: Reach) -> Iterator[Growth]:
        """Find what could be said, see ``Backend.outlook``.

        Raises:
            PlaygroundError: It cannot be looked for, or the model is closed.
        """
        return self._ready().outlook(request, reach, lambda: False)

    def _ready(self) -> Backend:
        """Return the backend, free for what comes next."""
        if self._backend is None:
            raise PlaygroundError("this model was closed; load it again")
        run = self._open() if self._open is not None else None
        if run is not None:
            with contextlib.suppress(PlaygroundError):  # told by its own end
                run.read_on()
        self._open = None
        return self._backend
