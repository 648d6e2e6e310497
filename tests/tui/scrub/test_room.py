"""What the pages that look back compute is gone when they close, and one thing is computed at once.

A closed page is garbage with cycles, which may lie about for minutes.
"""

from __future__ import annotations

import gc
import threading
import weakref

from core.looking_back.other_settings import sweep
from core.looking_back.other_settings.ghosts import Ghosts
from tests.tui.helpers import BOOK, ready, run_to_end, until
from tests.tui.scrub.scrubbed import story_run
from tui.common.lines_view import LinesView
from tui.scrub.screen import ScrubScreen
from tui.why import tokens


async def test_a_closed_page_keeps_no_index_of_the_run(app, monkeypatch):
    made = []

    class Counted(sweep.Sweeper):
        def __init__(self, run):
            super().__init__(run)
            made.append(weakref.ref(self))

    monkeypatch.setattr(sweep, "Sweeper", Counted)
    screen = ScrubScreen(story_run(), BOOK.named("greedy"), BOOK.presets, 2, lambda *_: "")
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(screen)
        summary = lambda: screen.query_one("#scrub-summary", LinesView).plain  # noqa: E731
        await until(pilot, lambda: screen.is_mounted and summary() and "…" not in summary()[:1])
        assert made[0]() is not None
        gc.disable()
        try:
            await pilot.press("escape")
            await until(pilot, lambda: not screen.is_attached and made[0]() is None)
        finally:
            gc.enable()


async def test_other_presets_are_tried_over_one_run_at_once(app, monkeypatch):
    gate, begun, most = threading.Event(), [], []

    def find(sweeper, presets):
        begun.append(sweeper.run.key)
        most.append(1)
        assert len(most) == 1
        gate.wait(10)
        most.pop()
        return Ghosts(sweeper.run.token_ids, ((),) * len(sweeper.run.token_ids))

    monkeypatch.setattr(tokens, "find_ghosts", find)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        for prompt in ("Once", " upon", " a time"):
            await run_to_end(pilot, prompt)
        keys = [turn.key for turn in app.playground.document.turns]
        steps = [len(turn.steps) for turn in app.playground.document.turns]
        await pilot.press("f9", *["left"] * (steps[2] + steps[1]))
        assert begun == keys[2:]
        gate.set()
        await until(pilot, lambda: begun == [keys[2], keys[0]])  # who passed by needs none
