"""While the end of the document is followed, its newest line is in sight, whatever happens."""

from __future__ import annotations

import random
import threading

import pytest

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_prompt, shown_document, steps, stopped
from tui.main.screen import MainScreen

TEXTS = [f" word{number}" + "\n" * (number % 7 == 0) for number in range(600)]
SIZES = [(120, 40), (80, 24), (60, 16), (100, 30), (200, 60), (40, 12)]


def newest_line(pilot):
    """Where the newest line stands in the part of the document that is in sight, or would."""
    transcript = app_of(pilot).main.transcript
    return transcript.line_count - 1 - transcript.scroll_offset.y


def is_in_sight(pilot):
    transcript = app_of(pilot).main.transcript
    return 0 <= newest_line(pilot) < max(1, transcript.scrollable_content_region.height)


async def happens(pilot, chance):
    """One thing that changes the sizes of the screen, or lies over it."""
    app = app_of(pilot)
    what = chance.choice(("resize", "tokens", "help", "typing", "palette", "tint", "fetch"))
    if what == "resize":
        await pilot.resize_terminal(*chance.choice(SIZES))
    elif what == "tokens":
        await pilot.press("f10")
    elif what in ("help", "palette"):
        await pilot.press("f12" if what == "help" else "ctrl+p")
        await pilot.pause()
        if not isinstance(app.screen, MainScreen):
            await pilot.press("escape")
    elif what == "typing":
        app.main.prompt.put("\n".join("x" * chance.randrange(0, 6)))
    elif what == "tint":
        await pilot.press("ctrl+t")
    else:
        app.main.query_one("#fetch").display = chance.random() < 0.5
    return what


@pytest.mark.parametrize("seed", range(3))
async def test_the_newest_line_stays_in_sight_whatever_is_resized_opened_or_closed(seed):
    chance = random.Random(seed)  # noqa: S311 - of a test
    gate = threading.Semaphore(0)
    app = make_app(ScriptedBackend(TEXTS, step_gate=gate))
    async with app.run_test(size=SIZES[seed]) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        done: list[str] = []
        for turn in range(3):
            for count in range(50, 201, 50):
                gate.release(50)
                await steps(pilot, 200 * turn + count)
                for _ in range(2):
                    done.append(await happens(pilot, chance))
                    await pilot.pause(0.05)
                    assert is_in_sight(pilot), done
            await stopped(pilot)
            assert is_in_sight(pilot), "the run has ended"
            app.main.prompt.put("")
            done.append(await happens(pilot, chance))
            await pilot.pause(0.05)
            app.main.prompt.put("")
            await pilot.press("enter")
        gate.release(1000)
        await stopped(pilot)


async def test_end_brings_the_newest_line_back():
    async with make_app(ScriptedBackend(TEXTS[:200])).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        await stopped(pilot)
        await pilot.press("pageup", "pageup")
        assert not is_in_sight(pilot)
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert not is_in_sight(pilot), "whoever scrolls away stays there"
        await pilot.press("end")
        assert is_in_sight(pilot)
        await pilot.press("pageup", "pageup")
        await pilot.press("enter")
        await stopped(pilot)
        assert is_in_sight(pilot), "a new run is seen from its beginning on"
        assert shown_document(pilot).count("──") == 4


async def test_whoever_scrolls_away_from_a_run_is_left_alone():
    gate = threading.Semaphore(0)
    app = make_app(ScriptedBackend(TEXTS, step_gate=gate))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release(120)
        await steps(pilot, 120)
        await pilot.press("pageup")
        await pilot.pause()
        there = app.main.transcript.scroll_offset.y
        gate.release(40)
        await steps(pilot, 160)
        assert app.main.transcript.scroll_offset.y == there
        await pilot.press("end")
        gate.release(30)
        await steps(pilot, 190)
        assert is_in_sight(pilot)
        gate.release(1000)
        await stopped(pilot)
