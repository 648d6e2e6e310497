"""A whole beam search on a page: a tree folded where beams agree, walked with the arrows."""

from __future__ import annotations

import pytest

from core.records.steps import BeamStep, Candidate, Distribution, DroppedHypothesis, Hypothesis
from tests.tui.app.test_pictures import settled
from tests.tui.helpers import app_of, make_app, run_to_end, until
from tests.tui.screen_app import HOSTILE, shown
from tests.tui.tale import TaleBackend
from tui.common.row_picker import RowPicker
from tui.why.beams import BeamsScreen
from tui.why.whole import WholeSearchScreen
from tui.why.whole_rows import search_rows


async def opened(pilot):
    await run_to_end(pilot, "Once upon a time")
    await pilot.press("home", "right", "right", "f9", "W")
    await until(pilot, lambda: isinstance(app_of(pilot).screen, WholeSearchScreen))
    await settled(pilot)


async def test_it_is_walked_and_leads_to_a_step():
    app = make_app(TaleBackend(), preset="beam")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        rows = app.screen.query_one(RowPicker).plain.splitlines()
        assert len(rows) > 5
        assert "the whole search" in shown(pilot)
        assert any(row.startswith("◆") for row in rows)
        for _ in range(len(rows)):
            await pilot.press("n")
            picker = app.screen.query_one(RowPicker)
            assert rows[picker.picked].startswith("◆")
        index = len(app.screen._picked.stretch.beams[-1].token_ids) - 1
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BeamsScreen))
        assert app.playground.document.selected()[1].index == index
        await pilot.press("W", "escape")
        await until(pilot, lambda: isinstance(app.screen, BeamsScreen))
        assert app.playground.document.selected()[1].index == index


@pytest.mark.parametrize("width", [12, 40, 200])
def test_each_piece_says_what_became_of_it(width):
    def beam(ids, text, score):
        return Hypothesis(ids, text, score, score, 0, Candidate(ids[-1], text, -1, -1, 1))

    weighed = (Distribution((), 1.0, 1),)
    first, other = beam((1,), HOSTILE, -1.0), beam((2,), "b", -2.0)
    lost = DroppedHypothesis(beam((3,), "c", -3.0), "outscored")
    ended = beam((1, 4), HOSTILE + "d", -4.0)
    steps = [
        BeamStep(0, (first, other), (), (lost,), weighed, 0.1),
        BeamStep(1, (beam((1, 5), HOSTILE + "e", -5.0),), (ended,), (), weighed, 0.2),
    ]
    rows = search_rows(steps, (1, 4), width)
    texts = ["".join(text for text, _ in one.row) for one in rows]
    assert [one.stretch.beams[-1].token_ids for one in rows] == [(1,), (1, 4), (1, 5), (2,), (3,)]
    assert [one.is_of_winner for one in rows] == [True, True, False, False, False]
    assert not any(ord(one) < 32 for text in texts for one in text)
    if width == 200:
        assert texts[1].endswith("d ✓ score -4.00")
        assert texts[2].endswith("e")
        assert texts[3].endswith("b ✗ outscored: nothing of it lived on")
        assert texts[4].endswith("c ✗ outscored")


@pytest.mark.parametrize("is_light", [False, True], ids=["dark", "light"])
def test_picture(snap_compare, is_light):
    app = make_app(TaleBackend(), preset="beam")

    async def before(pilot):
        await opened(pilot)
        if is_light:
            app.action_toggle_light()
        await pilot.press("n")
        await settled(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
