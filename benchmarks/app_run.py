"""The app as it is seen: its frames composed and written, though to no terminal.

Must never load a model that is loaded already: the app is handed the backend.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from textual.drivers.headless_driver import HeadlessDriver

from core.backends.local import LocalBackend
from core.presets.book import Preset, PresetBook
from core.records.model_info import ModelInfo
from core.records.progress import Report
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Step, TokenStep
from tui.app.playground import PlaygroundApp

SIZE = (120, 40)
"""Columns and rows of the terminal."""


class Unseen(HeadlessDriver):
    """A terminal that is sent everything and shows nothing."""

    @property
    def is_headless(self) -> bool:
        """False, or textual would not make the escape sequences of a frame."""
        return False


class Lent(LocalBackend):
    """A loaded backend that survives the app which it was lent to.

    ``context_token_ids`` stand before every prompt. With ``step_seconds``, the steps of a run are
    made before the first of them is shown, and then come at that distance at least.
    """

    def __init__(
        self,
        backend: LocalBackend,
        info: ModelInfo,
        context_token_ids: Sequence[int] = (),
        *,
        step_seconds: float = 0.0,
    ) -> None:
        super().__init__()
        self._lender, self._info = backend, info
        self._context = tuple(context_token_ids)
        self._step_seconds = step_seconds
        self._threads = torch.get_num_threads()

    def load(self, report: Report) -> ModelInfo:
        """Return what was loaded before; torch's threads are set anew for each thread."""
        torch.set_num_threads(self._threads)
        self._loaded = self._lender._loaded
        return self._info

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Run as the lender does, after the context."""
        if self._context:
            request = Request("", request.settings, self._context, recorder=request.recorder)
        events = super().generate(request, is_cancelled)
        return _paced(list(events), self._step_seconds) if self._step_seconds else events

    def close(self) -> None:
        """Keep everything: it is not this backend's to free."""
        self._loaded = None


def _paced(events: Sequence[Event], seconds: float) -> Iterator[Event]:
    """Yield ``events``, each step ``seconds`` after the one before: as from a device.

    The interpreter is free meanwhile; a step that had to wait for it is not made up for.
    """
    began = last = time.perf_counter()
    for event in events:
        if isinstance(event, TokenStep):
            time.sleep(max(0.0, last + seconds - time.perf_counter()))
            last = time.perf_counter()
            yield replace(event, elapsed=last - began)
        else:
            yield event


class AppRun(NamedTuple):
    """What came of a run in the app; ``work`` is the main thread's processor time, in seconds."""

    steps: list[Step]
    work: float


async def run_in_app(backend: Lent, prompt: str, settings: Settings) -> AppRun:
    """Open the app, run ``prompt`` in it, and return what came of that run.

    Nothing else happens meanwhile: what an app before this one has left behind is collected first,
    and the key is pressed without a pilot, who would ask every widget whether it is done with it.
    """
    book = PresetBook(Path("benchmark"), (Preset("benchmark", "f1", "", settings),))
    app = PlaygroundApp(lambda _name: backend, book)
    app.driver_class = Unseen
    gc.collect()
    async with app.run_test(headless=False, size=SIZE):
        state = app.playground
        while state.model.info is None:
            await asyncio.sleep(0.05)
        app.main.prompt.text = prompt
        began = time.thread_time()
        app.simulate_key("enter")
        while not state.document.turns or state.document.is_running:
            await asyncio.sleep(0.05)
        return AppRun(list(state.document.turns[-1].steps), time.thread_time() - began)
