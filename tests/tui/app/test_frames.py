"""When frames are painted, and that none of them leaves out what is newest."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import (
    app_of,
    make_app,
    panel,
    ready,
    run_prompt,
    steps,
    stopped,
    until,
)
from tui.app.painting import FRAME_INTERVAL

ANYTHING = 10**6


async def test_the_frames_of_a_run_leave_time_between_them(monkeypatch):
    gate = threading.Semaphore(0)
    backend = ScriptedBackend([f" word{number}" for number in range(400)], step_gate=gate)
    async with make_app(backend).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        app, frames = app_of(pilot), []
        paint = app.main.paint
        monkeypatch.setattr(
            app.main, "paint", lambda state: (frames.append(time.monotonic()), paint(state))
        )
        while len(frames) < 6:
            gate.release(1)
            await asyncio.sleep(0.01)
        waits = [after - before for before, after in pairwise(frames)]
        assert min(waits) > 0.9 * FRAME_INTERVAL
        gate.release(ANYTHING)
        await stopped(pilot)


async def test_what_answers_a_person_does_not_wait(monkeypatch):
    monkeypatch.setattr("tui.app.painting.FRAME_INTERVAL", 1000.0)
    gate = threading.Semaphore(0)
    texts = [f" word{number}" for number in range(20)]
    async with make_app(ScriptedBackend(texts, step_gate=gate)).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        await until(pilot, lambda: not app_of(pilot).playground.model.loading_stage)
        gate.release(5)
        await asyncio.sleep(0.3)
        before = app_of(pilot).playground.document.step_count()
        assert before < 5, "no frame is due"
        await pilot.press("ctrl+t")
        await steps(pilot, 5)
        await until(pilot, lambda: "step 5 · ● live" in panel(pilot))
        gate.release(ANYTHING)
        await pilot.press("ctrl+t")
        await stopped(pilot)


async def test_a_panel_left_behind_by_a_fast_model_catches_up():
    gate = threading.Semaphore(0)
    texts = [f" word{number}" for number in range(200)]
    async with make_app(ScriptedBackend(texts, step_gate=gate)).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        for count in (60, 120, 180):
            gate.release(60)
            await steps(pilot, count)
        await until(pilot, lambda: "step 180 · ● live" in panel(pilot))
        gate.release(ANYTHING)
        await stopped(pilot)
        assert "step 200" in panel(pilot)


async def test_the_model_is_not_loaded_before_the_presets_are_painted():
    painted: list[bool] = []
    app = make_app(ScriptedBackend())
    make_backend, shown = app.playground.model._make_model, threading.Event()

    def looks_first(name):
        painted.append(shown.is_set())
        return make_backend(name)

    app.playground.model._make_model = looks_first
    app.post_display_hook = lambda: shown.set() if "greedy" in _screen_text(app) else None
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
    assert painted == [True]


def _screen_text(app) -> str:
    return "\n".join(strip.text for strip in app.main._compositor.render_strips())
