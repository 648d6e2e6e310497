"""The app as it is seen: its frames composed and written, though to no terminal.

Must never load a model that is loaded already: the app is handed the backend.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from textual.drivers.headless_driver import HeadlessDriver

from core.backends.local import LocalBackend
from core.presets.book import Preset, PresetBook
from core.records.model_info import ModelInfo
from core.records.progress import Report
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Step
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

    ``context_token_ids`` stand before every prompt.
    """

    def __init__(
        self, backend: LocalBackend, info: ModelInfo, context_token_ids: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self._lender, self._info = backend, info
        self._context = tuple(context_token_ids)
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
        return super().generate(request, is_cancelled)

    def close(self) -> None:
        """Keep everything: it is not this backend's to free."""
        self._loaded = None


async def run_in_app(backend: Lent, prompt: str, settings: Settings) -> list[Step]:
    """Open the app, run ``prompt`` in it, and return the steps of that run.

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
        app.simulate_key("enter")
        while not state.document.turns or state.document.is_running:
            await asyncio.sleep(0.05)
        return list(state.document.turns[-1].steps)
