"""Pictures of scrubbing; ``--snapshot-update`` takes them anew."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from core.backends.scripted import ScriptedBackend
from tests.tui.app.test_pictures import settled, still
from tests.tui.helpers import make_app
from tests.tui.scrub.test_scrub import NGRAM, Opened
from tui.look.themes import PAPER

SIZES = [(80, 24), (120, 40)]


async def scrubbed(pilot, *keys):
    await still(pilot)
    opened = Opened()
    await opened.open(pilot)
    await opened.press(pilot, *["down"] * NGRAM, "right", "right", "right", *keys)
    await settled(pilot)


@pytest.mark.parametrize("size", [*SIZES, (60, 30)])
def test_the_first_divergence(snap_compare, size):
    assert snap_compare(make_app(ScriptedBackend()), terminal_size=size, run_before=scrubbed)


@pytest.mark.parametrize("size", SIZES)
def test_a_later_difference_under_two_settings(snap_compare, size):
    async def before(pilot):
        await scrubbed(pilot, "up", "shift+right", "n", "n")

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=size, run_before=before)


def test_light(snap_compare):
    async def before(pilot):
        pilot.app.theme = PAPER.name
        await scrubbed(pilot, "n")

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_as_it_opens(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await Opened().open(pilot)
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=size, run_before=before)


def test_naming_a_preset(snap_compare):
    async def before(pilot):
        await scrubbed(pilot)
        await pilot.press("k")
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.press(*"mild")
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=(80, 24), run_before=before)
