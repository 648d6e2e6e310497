"""Pages on screens that are smaller than any that people use: nothing scrolls out of sight."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from tests.tui.actions.test_actions import OF_BEAMS, OPENED_BY
from tests.tui.helpers import make_app, run_to_end, until
from tui.common.key_bar import KeyBar


@pytest.mark.parametrize("size", [(30, 8), (40, 12), (80, 24)])
@pytest.mark.parametrize("page", OPENED_BY)
async def test_a_page_has_its_head_and_its_keys_in_sight(page, size):
    keys, kind = OPENED_BY[page]
    app = make_app(ScriptedBackend(), "beam" if page in OF_BEAMS else "greedy")
    async with app.run_test(size=size) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, kind))
        await pilot.pause()
        assert app.screen.max_scroll_y == 0
        bars = app.screen.query(KeyBar)
        assert all(bar.region.bottom <= size[1] for bar in bars)
