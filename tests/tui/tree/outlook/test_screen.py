"""The page of what could be said: it grows as it is searched, and one goes on with a text of it."""

from __future__ import annotations

import math
import threading

import pytest

from core.backends.scripted import ScriptedBackend
from core.outlook.gathered import Outlook
from core.playground.outlooks import Place
from core.records.errors import PlaygroundError
from core.records.outlook import Growth, Prospect, Reach
from core.records.request import Request
from core.records.settings import Settings
from tests.tui.helpers import app_of, make_app, ready, run_to_end, stopped, typed, until
from tests.tui.screen_app import HOSTILE, ScreenApp, check_harmless, shown
from tui.common.row_picker import RowPicker
from tui.tree.outlook.rows import covered_row, outlook_rows
from tui.tree.outlook.screen import OutlookScreen
from tui.why.tokens import WhyScreen

SIZE = (100, 30)
PLACE = Place(Request("", Settings(num_beams=2)), "beam*", "Once\nupon", "", is_step=True)


class Looks:
    """Looks out by the script, a growth for each release."""

    def __init__(self, *, releases=1_000, error=None):
        self.gate = threading.Semaphore(releases)
        self.error = error
        self.reaches = []
        self.was_left = threading.Event()

    def __call__(self, reach, take, is_cancelled):
        self.reaches.append(reach)
        backend = ScriptedBackend(step_gate=self.gate)
        for growth in backend.outlook(Request("", Settings()), reach, is_cancelled):
            take(growth)
        if is_cancelled():
            self.was_left.set()
            raise PlaygroundError("the search was stopped")
        if self.error is not None:
            raise PlaygroundError(self.error)


def rows(pilot):
    return pilot.app.screen.query_one(RowPicker).plain.splitlines()


async def test_it_grows_is_stopped_and_keeps_what_it_has():
    looks = Looks(releases=2)
    app = ScreenApp(OutlookScreen(PLACE, looks))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(rows(pilot)) == 6)
        assert "behind ‘Once⏎upon’" in shown(pilot)
        assert "beam*" in shown(pilot)
        assert "beams ignored · writes the first one" in shown(pilot)
        assert "searching · 6 texts · covered 100% to 1, 70.0% to 2 tokens" in shown(pilot)
        assert [row.split()[-2:] for row in rows(pilot)] == [
            ["50.0%", "·far"],
            [",", "◌"],
            ["·away", "◌"],
            ["<end>", "∎"],
            [",", "◌"],
            ["<end>", "∎"],
        ]
        await pilot.press("down", "down", "escape")
        await until(pilot, lambda: "stopped · 6 texts" in shown(pilot))
        assert looks.was_left.is_set()
        assert app.given == []
        await pilot.press("escape")
        assert app.given == [()]


async def test_what_grows_above_leaves_the_picked_text_picked():
    looks = Looks(releases=1)
    async with ScreenApp(OutlookScreen(PLACE, looks)).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(rows(pilot)) == 3)
        await pilot.press("down")
        picker = pilot.app.screen.query_one(RowPicker)
        before = rows(pilot)[picker.picked]
        looks.gate.release(1)
        await until(pilot, lambda: len(rows(pilot)) == 6)
        assert picker.picked == 4
        assert rows(pilot)[4] == before


async def test_the_dials_search_anew():
    looks = Looks()
    async with ScreenApp(OutlookScreen(PLACE, looks)).run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: "✓ all" in shown(pilot))
        assert "its beams are ignored · it writes the first one; the figures" in shown(pilot)
        await pilot.press("right", "plus", "minus", "minus", *["left"] * 9, *["minus"] * 9)
        await until(pilot, lambda: "✓ all · 1 texts" in shown(pilot))
        told = [(one.depth, one.least) for one in looks.reaches]
        assert told[:5] == [(6, 0.01), (7, 0.01), (7, 0.005), (7, 0.01), (7, 0.02)]
        assert told[-1] == (1, 0.5)
        assert "◂ 1 token ▸" in shown(pilot)


async def test_a_text_is_gone_on_with():
    app = ScreenApp(OutlookScreen(PLACE, Looks()))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "✓ all" in shown(pilot))
        await pilot.press("down")
        assert "2 tokens · 25.000%" in shown(pilot)
        await pilot.press("enter")
        (way,) = app.given
        assert [one.depth for one in way] == [1, 2]


async def test_what_went_wrong_is_told_and_what_was_found_stays():
    looks = Looks(error="cpu ran out of memory [b]now[/b]")
    async with ScreenApp(OutlookScreen(PLACE, looks)).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "✗ cpu ran out of memory [b]now[/b]" in shown(pilot))
        assert len(rows(pilot)) > 20


@pytest.mark.parametrize("size", [(40, 14), (80, 24), (200, 60)])
async def test_no_text_leaves_its_row(size):
    def look(_reach, take, _is_cancelled):
        share = math.log(0.4)
        take(
            Growth(
                0, (Prospect(1, 0, 1, 1, HOSTILE, HOSTILE, share, share, "stop_string"),), 0.6, 7
            )
        )

    place = Place(Request("", Settings()), HOSTILE, HOSTILE, "", is_step=False)
    async with ScreenApp(OutlookScreen(place, look)).run_test(size=size) as pilot:
        await until(pilot, lambda: "✓ all" in shown(pilot))
        check_harmless(pilot, size[0])
        assert len(rows(pilot)) == 2
        assert "… 7 others" in rows(pilot)[1]


def test_long_searches_are_told_of_within_a_line():
    outlook = Outlook()
    for at in range(40):
        one = Prospect(at + 1, at, at + 1, 1, "a", "a", -0.1, -0.1 * (at + 1), None)
        outlook.add(Growth(at, (one,), 0.0, 0))
    for width in (30, 60, 90, 400):
        text = "".join(part for part, _ in covered_row(outlook, "stopped", width))
        assert len(text) <= width
    assert "…" in "".join(part for part, _ in covered_row(outlook, "stopped", 110))
    assert len(outlook_rows(outlook, Reach(), 80)) == 40


# In the app


async def test_from_the_prompt_and_from_why_a_branch_is_gone_on_with():
    backend = ScriptedBackend()
    async with make_app(backend, preset="nucleus").run_test(size=SIZE) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        app.main.prompt.put("Once upon")
        await pilot.press("alt+o")
        await until(pilot, lambda: "✓ all" in shown(pilot))
        assert "behind ‘Once upon’" in shown(pilot)
        await pilot.press("enter")
        await stopped(pilot)
        (turn,) = app.playground.document.turns
        assert (turn.prompt, typed(pilot)) == ("Once upon", "")
        assert turn.steps[0].chosen_by == "person"
        await pilot.press("home", "right", "f9")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, OutlookScreen))
        await until(pilot, lambda: "✓ all" in shown(pilot))
        assert "behind ‘Once upon far’" in shown(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is app.main)
        await stopped(pilot)
        assert app.playground.document.turns[-1].fork.step == 2
        assert len(app.playground.documents.tree.nodes) == 2


async def test_left_without_a_choice_all_is_as_it_was():
    async with make_app(ScriptedBackend(), preset="nucleus").run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
        app = app_of(pilot)
        before = app.playground.document.text
        app.main.prompt.put("a draft")
        await pilot.press("ctrl+x", "O")
        await until(pilot, lambda: isinstance(app.screen, OutlookScreen))
        await until(pilot, lambda: "✓ all" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert (app.playground.document.text, typed(pilot)) == (before, "a draft")


@pytest.mark.parametrize(
    ("size", "is_light"), [((80, 24), False), ((120, 40), True)], ids=["dark", "light"]
)
def test_picture(snap_compare, size, is_light):
    app = make_app(ScriptedBackend(), preset="nucleus")

    async def before(pilot):
        await ready(pilot)
        if is_light:
            app.action_toggle_light()
        app.main.prompt.put("Once upon a time there lived a")
        await pilot.press("alt+o", *["left"] * 3)
        await until(pilot, lambda: "✓ all" in shown(pilot))
        await pilot.press("down", "down")

    assert snap_compare(app, terminal_size=size, run_before=before)
