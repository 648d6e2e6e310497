"""Pictures of fixed states at fixed sizes; ``pytest --snapshot-update`` takes them anew."""

from __future__ import annotations

import asyncio
import threading

import pytest

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_prompt, run_to_end, steps, until
from tests.tui.tale import TaleBackend
from tui.look.themes import PAPER
from tui.main.prompt.input import PromptInput

SIZES = [(80, 24), (120, 40), (200, 60)]
PROMPT = "A long long time ago, "


async def still(pilot):
    """Stop the cursor from blinking, so that every picture has it."""
    await until(pilot, lambda: bool(app_of(pilot).main.query(PromptInput)))
    app_of(pilot).main.prompt.cursor_blink = False


async def settled(pilot):
    """Wait until the screen has looked the same for a while, colours too, however busy it is."""
    same, before = 0, None
    for _ in range(200):
        await asyncio.sleep(0.05)
        await pilot.pause()
        now = pilot.app.screen._compositor.render_strips()
        same, before = (same + 1 if now == before else 0), now
        if same == 4:
            return
    raise AssertionError("the screen does not come to rest")


@pytest.mark.parametrize("size", SIZES)
def test_empty(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        await settled(pilot)

    assert snap_compare(make_app(TaleBackend()), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_running(snap_compare, size):
    gate = threading.Semaphore(0)

    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        await run_prompt(pilot, PROMPT)
        gate.release(40)
        await steps(pilot, 40)
        await settled(pilot)

    assert snap_compare(
        make_app(TaleBackend(gate), "nucleus"), terminal_size=size, run_before=before
    )


@pytest.mark.parametrize("size", SIZES)
def test_finished_and_looking_back(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await run_to_end(pilot, PROMPT)
        await pilot.press("home", *["right"] * 10)
        await settled(pilot)

    assert snap_compare(make_app(TaleBackend(), "nucleus"), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_beams(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await run_to_end(pilot, PROMPT)
        await settled(pilot)

    assert snap_compare(make_app(TaleBackend(), "beam"), terminal_size=size, run_before=before)


def test_error(snap_compare):
    backend = ScriptedBackend(load_error="gpt2-xl is not on this machine; run with --model demo")
    app = make_app(backend)

    async def before(pilot):
        await still(pilot)
        await until(pilot, lambda: app.playground.model.load_error is not None)
        await settled(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


def test_light(snap_compare):
    async def before(pilot):
        await still(pilot)
        pilot.app.theme = PAPER.name
        await run_to_end(pilot, PROMPT)
        await settled(pilot)

    assert snap_compare(
        make_app(TaleBackend(), "nucleus"), terminal_size=(120, 40), run_before=before
    )


def test_help(snap_compare):
    async def before(pilot):
        await still(pilot)
        await ready(pilot)
        await pilot.press("f12")
        await settled(pilot)

    assert snap_compare(make_app(TaleBackend()), terminal_size=(120, 40), run_before=before)


def test_narrow(snap_compare):
    async def before(pilot):
        await still(pilot)
        await run_to_end(pilot, PROMPT)
        await settled(pilot)

    assert snap_compare(
        make_app(TaleBackend(), "nucleus"), terminal_size=(60, 30), run_before=before
    )
