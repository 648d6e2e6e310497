"""The document's scroll bar as a person sees it and moves it with the mouse."""

from __future__ import annotations

import threading

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_prompt, run_to_end, steps, stopped

TEXTS = [f" word{number}" for number in range(200)]
SIZE = (80, 24)


def bar_of(pilot):
    return app_of(pilot).main.transcript.vertical_scrollbar


def thumb(pilot):
    """The rows of the bar that are drawn as its thumb."""
    bar = bar_of(pilot)
    colours = []
    for strip in bar.render_lines(bar.size.region):
        segment = next(iter(strip))
        colours.append(segment.style.color if segment.style.reverse else segment.style.bgcolor)
    track = bar.styles.scrollbar_background.rich_color.get_truecolor()
    return [y for y, colour in enumerate(colours) if colour.get_truecolor() != track]


async def drag(pilot, start, end):
    bar = bar_of(pilot)
    await pilot.mouse_down(bar, offset=(0, start))
    await pilot.hover(bar, offset=(0, end))
    await pilot.mouse_up(bar, offset=(0, end))
    await pilot.pause()


async def test_the_bar_has_a_thumb_where_there_is_something_to_scroll():
    async with make_app(ScriptedBackend(TEXTS[:20])).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert not thumb(pilot)
        for _ in range(12):
            await run_to_end(pilot, "Again")
        rows = thumb(pilot)
        assert 0 < len(rows) < bar_of(pilot).size.height
        assert rows[-1] == bar_of(pilot).size.height - 1, "the end is followed"


async def test_the_bar_grows_with_the_text_of_a_run():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(TEXTS, step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        seen = []
        for count in (100, 150, 200):
            gate.release(100 if count == 100 else 50)
            await steps(pilot, count)
            await pilot.pause()
            seen.append(len(thumb(pilot)))
        await stopped(pilot)
        assert seen == sorted(seen, reverse=True), "of a longer text, a page is a smaller part"
        assert seen[0] > seen[-1] > 0


async def test_the_mouse_drags_the_text_away_from_its_end_and_back():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(TEXTS, step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release(120)
        await steps(pilot, 120)
        await pilot.pause()
        transcript, bottom = app_of(pilot).main.transcript, bar_of(pilot).size.height - 1
        await drag(pilot, bottom, 1)
        there = transcript.scroll_offset.y
        assert there < transcript.max_scroll_y // 2
        gate.release(40)
        await steps(pilot, 160)
        await pilot.pause()
        assert transcript.scroll_offset.y == there, "whoever scrolls away stays there"
        await drag(pilot, thumb(pilot)[0], bottom + 3)
        gate.release(40)
        await stopped(pilot)
        await pilot.pause()
        assert transcript.scroll_offset.y == transcript.max_scroll_y, "and follows again"
