"""The page of a step takes keys from the moment that it is asked for."""

from __future__ import annotations

from textual import events

from tests.tui.helpers import ready, run_to_end, until
from tui.scrub.screen import ScrubScreen


async def test_a_key_typed_before_the_page_is_there_is_none_of_its_box(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "Once upon a time")
        for key in (events.Key("f9", None), events.Key("s", "s")):
            app.post_message(key)
        await until(pilot, lambda: isinstance(app.screen, ScrubScreen))
