"""The app under load: resized a thousand times while runs go on, and given a megabyte to read."""

from __future__ import annotations

import asyncio
import threading

import psutil
from textual import events
from textual.geometry import Size

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_prompt, stopped, typed, until

MEGABYTE = 1_000_000


async def test_a_thousand_resizes_during_runs_leave_nothing():
    async with make_app(ScriptedBackend([" word"] * 150)).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        process = psutil.Process()
        before = threading.active_count(), process.num_fds()
        for one in range(1000):
            if one % 250 == 0:
                await stopped(pilot)
                await run_prompt(pilot, "a")
            app_of(pilot).post_message(events.Resize(size := _size(one), size))
            if one % 20 == 0:
                await asyncio.sleep(0)
        await stopped(pilot)
        assert (threading.active_count(), process.num_fds()) == before
        assert app_of(pilot).playground.document.step_count() == 600


def _size(one):
    return Size(40 + one * 7 % 160, 10 + one * 3 % 50)


async def test_a_megabyte_pasted_is_there():
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app_of(pilot).post_message(events.Paste("word " * (MEGABYTE // 5)))
        await until(pilot, lambda: len(typed(pilot)) == MEGABYTE)
        app_of(pilot).main.prompt.put("")
        await pilot.pause()
        assert typed(pilot) == ""
