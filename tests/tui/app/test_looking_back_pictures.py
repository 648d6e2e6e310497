"""Pictures of the tree, of a comparison and of a scored text."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from core.document.tree import Tree
from tests.tui.app.test_pictures import settled
from tests.tui.helpers import BOOK, until
from tests.tui.screen_app import VOCABULARY, Grown, ScreenApp, grown
from tui.score.input import ScoreInput
from tui.score.screen import ScoreScreen
from tui.tree.screen import TreeScreen

VIEWS = [((80, 24), False), ((120, 40), False), ((120, 40), True)]
TEXT = "I sat as a grey cat on a very old mat, by a fire that had gone out long ago."


def tree_app(tree, is_light):
    screen = TreeScreen(Grown(tree), lambda _: VOCABULARY.__getitem__, lambda _: None)
    return ScreenApp(screen, is_light=is_light)


@pytest.mark.parametrize(("size", "is_light"), VIEWS)
def test_tree(snap_compare, size, is_light):
    async def before(pilot):
        await pilot.pause()
        await pilot.press("m", "up")
        await settled(pilot)

    app = tree_app(grown(), is_light)
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_a_tree_without_runs(snap_compare):
    app = tree_app(Tree(), is_light=False)
    assert snap_compare(app, terminal_size=(80, 24), run_before=settled)


@pytest.mark.parametrize(("size", "is_light"), VIEWS)
def test_comparison(snap_compare, size, is_light):
    async def before(pilot):
        await pilot.pause()
        await pilot.press("m", "up", "up", "c")
        await settled(pilot)

    app = tree_app(grown(), is_light)
    assert snap_compare(app, terminal_size=size, run_before=before)


def score_app(is_light):
    def score(text, is_cancelled):
        return ScriptedBackend().score(text, BOOK.presets, is_cancelled)

    return ScreenApp(ScoreScreen(score, BOOK.presets), is_light=is_light)


@pytest.mark.parametrize(("size", "is_light"), VIEWS)
def test_score(snap_compare, size, is_light):
    app = score_app(is_light)

    async def before(pilot):
        await pilot.pause()
        app.opened.query_one(ScoreInput).put(TEXT)
        await pilot.press("enter")
        await until(pilot, lambda: app.opened.query_one("#score-result").display)
        await pilot.press("down", "down")
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_score_without_a_text(snap_compare):
    app = score_app(is_light=False)

    async def before(pilot):
        app.opened.query_one(ScoreInput).cursor_blink = False
        await settled(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
