"""What the first run of a document costs: the screen is laid out once."""

from __future__ import annotations

import threading

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_prompt, steps, stopped
from tui.main.welcome import Welcome
from tui.prose.legend import Legend
from tui.prose.transcript import Transcript


async def test_the_screen_is_laid_out_once_for_the_first_run():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend([f" word{number}" for number in range(60)], step_gate=gate)
    async with make_app(backend).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.pause()
        screen, layouts = app_of(pilot).main, []
        reflow = screen._compositor.reflow

        def counted(parent, size):
            layouts.append(size)
            return reflow(parent, size)

        screen._compositor.reflow = counted
        await run_prompt(pilot, "Once")
        gate.release(40)
        await steps(pilot, 40)
        await pilot.pause()
        assert len(layouts) == 1
        gate.release(60)
        await stopped(pilot)
        await pilot.pause()
        assert len(layouts) == 1


async def test_the_hint_covers_the_text_that_is_laid_out_behind_it():
    async with make_app(ScriptedBackend()).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.pause()
        main = app_of(pilot).main
        hint = main.query_one(Welcome).region
        for behind in (main.query_one(Transcript), main.query_one(Legend)):
            assert behind.region
            assert hint.contains_region(behind.region)
        text = "\n".join(strip.text for strip in main._compositor.render_strips())
        assert "surprisal" not in text
        await pilot.press("tab", "tab", "tab")
        assert app_of(pilot).focused is main.prompt  # nobody writes in what is not seen
