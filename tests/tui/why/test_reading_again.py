"""A run whose logits are gone, as one that a session brings back: the pages have it read again."""

from __future__ import annotations

from core.document.packing import unpacked
from core.playground.looking.lookup import READING
from tests.tui.helpers import ready, run_to_end, until
from tests.tui.screen_app import shown
from tui.scrub.screen import ScrubScreen
from tui.why.tokens import WhyScreen

ALL_OF_IT = (120, 40)


async def run_without_logits(app, pilot):
    await ready(pilot)
    await run_to_end(pilot, "Once upon a time")
    app.playground.documents.store.forget(app.playground.document.turns[0].key)


async def test_the_page_of_a_step_says_so_and_shows_all_when_it_is_there(app):
    async with app.run_test(size=ALL_OF_IT) as pilot:
        await run_without_logits(app, pilot)
        told = []
        ask = app.playground.lookup.ask
        app.playground.lookup.ask = lambda: told.append(ask()) or told[-1]
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen) and app.screen._rows)
        assert READING in told
        await until(pilot, lambda: "entropy" in shown(pilot))
        assert READING not in shown(pilot)
        assert app.playground.lookup.recorded() is not None


async def test_scrubbing_says_so_and_begins_when_it_is_there(app):
    async with app.run_test(size=ALL_OF_IT) as pilot:
        await run_without_logits(app, pilot)
        app.steps.scrub()
        unpacked.cache_clear()  # as where other runs were looked at meanwhile
        assert app.playground.notices.current.text == READING
        await until(pilot, lambda: isinstance(app.screen, ScrubScreen))
