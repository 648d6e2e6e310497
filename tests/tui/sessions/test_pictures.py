"""Pictures of the page of sessions."""

from __future__ import annotations

import pytest

from tests.tui.app.test_pictures import settled
from tests.tui.helpers import until
from tests.tui.sessions.listed import Opened

VIEWS = [((80, 24), False), ((120, 40), False), ((200, 60), True)]


@pytest.mark.parametrize(("size", "is_light"), VIEWS)
def test_sessions(snap_compare, size, is_light):
    opened = Opened(is_light=is_light)

    async def before(pilot):
        await until(pilot, lambda: opened.screen.picked is not None)
        await pilot.press("down")
        await settled(pilot)

    assert snap_compare(opened.app, terminal_size=size, run_before=before)


def test_no_session(snap_compare):
    opened = Opened(())

    async def before(pilot):
        await until(pilot, lambda: opened.screen._sessions == ())
        await settled(pilot)

    assert snap_compare(opened.app, terminal_size=(80, 24), run_before=before)
