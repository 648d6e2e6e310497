"""What the app's tests share: a book of presets, ways to wait, and scripted backends."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from textual.pilot import Pilot

from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset, PresetBook
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.progress import Report
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Finished, Started
from tui.app.playground import PlaygroundApp
from tui.common.key_bar import KeyBar
from tui.main.status_line import StatusLine
from tui.main.step_panel import StepPanel

BOOK = PresetBook(
    Path("presets.yaml"),
    (
        Preset("greedy", "f1", "The likeliest token at every step.", Settings(max_new_tokens=200)),
        Preset(
            "beam",
            "f2",
            "Five texts grow side by side.",
            Settings(num_beams=5, no_repeat_ngram_size=2, max_length=128),
        ),
        Preset(
            "nucleus",
            "f4",
            "Draws from the likeliest tokens that hold 90 % of the probability.",
            Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=200),
        ),
        Preset("odd", "ctrl+g", "[b]not markup[/b] [@click=app.quit]", Settings(do_sample=True)),
        Preset("keyless", "", "", Settings()),
    ),
)

PATIENCE = 60.0


class GatedLoading(ScriptedBackend):
    """A backend whose loading waits for the test."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.may_load = threading.Event()

    def load(self, report: Report) -> ModelInfo:
        report("reading the script", 0.37)
        self.may_load.wait(PATIENCE)
        return super().load(lambda stage, share=None: None)


class FailingRuns(ScriptedBackend):
    """A backend that refuses every request, or breaks off in the middle."""

    def __init__(self, *, after_steps: int | None = None) -> None:
        super().__init__()
        self._after_steps = after_steps

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        if self._after_steps is None:
            raise PlaygroundError("the prompt is longer than the context")
        count = -1
        for event in super().generate(request, is_cancelled):
            if count == self._after_steps:
                raise PlaygroundError("the [b]device[/b] is gone")
            yield event
            count += 1


class EndsAtOnce(ScriptedBackend):
    """A backend that reports whatever context it is told to."""

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        yield Started(tuple(range(1000)), (1,), 1, 1024, 0)
        yield Finished("context_full", (), "", 0.0, detail="1,024 tokens are all it can hold")


def make_app(backend: ScriptedBackend, preset: str | None = None, **more: object) -> PlaygroundApp:
    """An app whose clock ticks at every look, so that no picture depends on the machine."""
    ticks = itertools.count()
    clock = lambda: float(next(ticks))  # noqa: E731
    return PlaygroundApp(lambda _name: backend, BOOK, preset_name=preset, clock=clock, **more)  # type: ignore[arg-type]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds; fail where it does not come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.01)
    await pilot.pause()


async def ready(pilot: Pilot[None]) -> None:
    """Wait until the model is loaded."""
    await until(pilot, lambda: app_of(pilot).playground.model.info is not None)


async def steps(pilot: Pilot[None], count: int) -> None:
    """Wait until the document has ``count`` steps."""
    await until(pilot, lambda: app_of(pilot).playground.document.step_count() == count)


async def stopped(pilot: Pilot[None]) -> None:
    """Wait until nothing runs."""
    playground = app_of(pilot).playground
    await until(
        pilot, lambda: playground.model.loading_stage is None and not playground.document.is_running
    )


async def run_prompt(pilot: Pilot[None], prompt: str) -> None:
    """Put a prompt into the line and press Enter."""
    app_of(pilot).main.prompt.put(prompt)
    await pilot.press("enter")


async def run_to_end(pilot: Pilot[None], prompt: str) -> None:
    """Run a prompt and wait until its turn is over."""
    await ready(pilot)
    await run_prompt(pilot, prompt)
    await stopped(pilot)


def app_of(pilot: Pilot[None]) -> PlaygroundApp:
    assert isinstance(pilot.app, PlaygroundApp)
    return pilot.app


def shown_document(pilot: Pilot[None]) -> str:
    """The transcript's text."""
    return app_of(pilot).main.transcript.text


def panel(pilot: Pilot[None]) -> str:
    """The step panel's text, header and table."""
    step_panel = app_of(pilot).main.query_one(StepPanel)
    return "\n".join(child.plain for child in step_panel.children)  # type: ignore[attr-defined]


def status(pilot: Pilot[None]) -> str:
    """The status line's text."""
    return app_of(pilot).main.query_one(StatusLine).plain


def typed(pilot: Pilot[None]) -> str:
    """What stands in the prompt line."""
    return app_of(pilot).main.prompt.text


def footer_keys(pilot: Pilot[None]) -> dict[str, str]:
    """What the line of keys shows: what a key does, and the key."""
    return {hint.meaning: hint.shown for hint in app_of(pilot).main.query_one(KeyBar).hints}
