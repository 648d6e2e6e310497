"""When frames are painted, and that cheap ones show what dear ones would."""

from __future__ import annotations

import asyncio
import random
import threading

import pyte
import pytest
from textual._compositor import Compositor
from textual.geometry import Region

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import (
    app_of,
    make_app,
    panel,
    ready,
    run_prompt,
    run_to_end,
    steps,
    stopped,
    until,
)
from tui.terminal.changed_rows import ChangedRows
from tui.terminal.frame_budget import LONGEST_WAIT, MANY_STEPS, SHARE, FrameBudget

SIZES = [(120, 40), (80, 24), (50, 16)]
ANYTHING = 10**6


class Clocks:
    """A time and a thread's work that a test moves on."""

    def __init__(self):
        self.now = self.work = 0.0
        self.budget = FrameBudget(lambda: self.now, lambda: self.work)


def test_the_first_frame_is_due_at_once():
    assert Clocks().budget.is_due


def test_a_frame_waits_until_the_one_before_is_a_small_share_of_the_time():
    clocks = Clocks()
    clocks.budget.begin_frame()
    clocks.work = 0.002
    clocks.now = 0.9 * clocks.work / SHARE
    assert not clocks.budget.is_due
    clocks.now = 1.1 * clocks.work / SHARE
    assert clocks.budget.is_due


def test_no_frame_waits_longer_than_the_longest_wait():
    clocks = Clocks()
    clocks.budget.begin_frame()
    clocks.work = 10.0
    clocks.now = 0.99 * LONGEST_WAIT
    assert not clocks.budget.is_due
    clocks.now = LONGEST_WAIT
    assert clocks.budget.is_due


def test_a_cheap_frame_of_a_fast_model_waits_as_long():
    clocks = Clocks()
    clocks.budget.begin_frame(MANY_STEPS)
    clocks.now = 0.99 * LONGEST_WAIT
    assert clocks.budget.wait == pytest.approx(0.01 * LONGEST_WAIT)
    assert not clocks.budget.is_due
    clocks.now = LONGEST_WAIT
    assert clocks.budget.is_due
    clocks.budget.begin_frame(MANY_STEPS - 1)
    clocks.now += 0.001
    assert clocks.budget.is_due


async def test_between_the_frames_of_a_fast_model_nobody_looks(monkeypatch):
    monkeypatch.setattr("tui.terminal.frame_budget.MANY_STEPS", 1)
    gate = threading.Semaphore(0)
    backend = ScriptedBackend([f" word{number}" for number in range(400)], step_gate=gate)
    async with make_app(backend).run_test(size=(80, 24)) as pilot:
        await run_prompt(pilot, "Once")
        app, looks, frames = app_of(pilot), [], []
        look, begin = app.painting._drain_timer._callback, app.painting._frames.begin_frame
        monkeypatch.setattr(
            app.painting._drain_timer, "_callback", lambda: (looks.append(1), look())[1]
        )
        monkeypatch.setattr(
            app.painting._frames, "begin_frame", lambda n: (frames.append(n), begin(n))[1]
        )
        while len(frames) < 8:
            gate.release(1)
            await asyncio.sleep(0.01)
        assert len(looks) <= 2 * len(frames) + 2
        gate.release(ANYTHING)
        await stopped(pilot)


def test_what_answers_a_person_does_not_wait():
    clocks = Clocks()
    clocks.budget.begin_frame()
    clocks.work = 10.0
    assert not clocks.budget.is_due
    clocks.budget.waive()
    assert clocks.budget.is_due


@pytest.mark.parametrize("size", SIZES)
async def test_a_cheap_frame_is_what_textual_would_have_drawn(size):
    texts = [f" word{number}" for number in range(150)]
    async with make_app(ScriptedBackend(texts)).run_test(size=size) as pilot:
        await run_to_end(pilot, "Once")
        app = app_of(pilot)
        compositor = app.main._compositor
        assert isinstance(compositor, ChangedRows)
        chance = random.Random(0)  # noqa: S311
        for _ in range(100):
            dirty = {_somewhere(chance, compositor) for _ in range(chance.randint(1, 6))}
            compositor._dirty_regions = set(dirty)
            cheap = compositor.render_partial_update()
            compositor._dirty_regions = set(dirty)
            dear = Compositor.render_partial_update(compositor)
            assert cheap is not None
            assert dear is not None
            drawn = [
                _on_a_terminal(one.render_segments(app.console), size) for one in (cheap, dear)
            ]
            assert drawn[0] == drawn[1]


def _on_a_terminal(sequences: str, size: tuple[int, int]) -> list[list[pyte.screens.Char]]:
    """The cells of an empty terminal after it was sent ``sequences``."""
    screen = pyte.Screen(*size)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(sequences)
    return [[screen.buffer[y][x] for x in range(size[0])] for y in range(size[1])]


def _somewhere(chance: random.Random, compositor: ChangedRows) -> Region:
    """Some rows of a widget, as widgets ask for them, or any part of the screen."""
    if chance.random() < 0.2:
        x, y = chance.randrange(compositor.size.width), chance.randrange(compositor.size.height)
        return Region(x, y, chance.randint(1, 30), chance.randint(1, 8)).intersection(
            compositor.size.region
        )
    region, clip = chance.choice(list(compositor.visible_widgets.values()))
    seen = region.intersection(clip)
    first = chance.randrange(seen.height)
    return Region(seen.x, seen.y + first, seen.width, chance.randint(1, seen.height - first))


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
