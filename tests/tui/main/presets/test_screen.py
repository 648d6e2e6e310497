"""Two presets side by side: what they set differently, what each makes of a step, what is taken."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import ScriptedBackend
from core.looking_back.explain import look_up
from core.looking_back.other_settings.look import Judged, Looker
from core.playground.presets.sides import RECOMMENDED, Side
from core.records.settings import Settings
from tests.tui.app.test_pictures import settled, still
from tests.tui.helpers import app_of, make_app, ready, until
from tests.tui.scrub.scrubbed import story_run
from tui.common.lines_view import LinesView
from tui.common.rows_view import RowsView
from tui.look.themes import PAPER
from tui.main.presets.rows import difference_rows, step_rows
from tui.main.presets.screen import PresetsScreen

ONE = Settings(max_new_tokens=200)
OTHER = Settings(do_sample=True, top_p=0.5, top_k=0, seed=3, no_repeat_ngram_size=1)
GUIDED = Settings(guidance_scale=2.0)
BEAMS = Settings(num_beams=3, no_repeat_ngram_size=1)


def text_of(rows):
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def test_each_judges_the_same_tokens_and_tells_what_it_would_choose():
    run = story_run()
    one, other, beams, guided = Looker(run).judge(24, (ONE, OTHER, BEAMS, GUIDED))
    ids = [candidate.token_id for candidate in one.candidates]
    assert [candidate.token_id for candidate in other.candidates] == ids
    assert len(set(ids)) >= 5
    assert one.pick == run.token_ids[24] != other.pick
    assert {one.pick, other.pick, beams.pick} <= {*ids}
    for judged, settings in ((one, ONE), (other, OTHER), (beams, BEAMS.without_beams())):
        for candidate in judged.candidates:
            assert candidate == look_up(run, 24, candidate.token_id, settings)
    assert guided == Judged(fault=guided.fault)
    assert "guidance_scale needs it" in guided.fault


@pytest.mark.parametrize("width", [60, 76, 116, 196])
def test_the_rows_fit_and_name_both_values_and_the_meaning(width):
    rows = text_of(difference_rows(ONE, OTHER, ("greedy*", "[b]odd"), width))
    assert max(map(len, rows)) <= width
    assert rows[0].split()[:3] == ["setting", "greedy*", "[b]odd"]
    (top_p,) = (row for row in rows if "top_p" in row)
    assert top_p.split()[:3] == ["top_p", "1.0", "0.5"]
    assert "keeps the like" in top_p
    assert text_of(difference_rows(ONE, ONE, ("a", "b"), width)) == ["  the two set the same"]


def test_what_cannot_be_told_of_one_is_told_beside_the_other():
    run = story_run()
    judged = Looker(run).judge(2, (ONE, GUIDED))
    token_id = run.token_ids[2]
    rows = text_of(step_rows(judged, 2, 87, token_id, run.start.texts, ("a", "b"), 76))
    assert rows[0].startswith("  step 3 of 87")
    assert any(row.startswith("  ▸") and row.endswith("?") for row in rows)
    assert "guidance_scale needs it" in rows[-1]
    rows = text_of(step_rows(judged[1:], 2, 87, token_id, run.start.texts, ("b",), 76))
    assert len(rows) == 2


class Opened:
    """The page over a running app, with a story's run, and what was taken."""

    def __init__(self, recorded=None):
        self.taken: list[Side | None] = []
        others = [Side("odd", OTHER), Side(RECOMMENDED, BEAMS)]
        why = "no step is at hand"
        self.screen = PresetsScreen(Side("greedy*", ONE), others, recorded, why)

    async def open(self, pilot):
        await still(pilot)
        app_of(pilot).push_screen(self.screen, self.taken.append)
        await until(pilot, lambda: self.screen.is_mounted and "…" not in self.step)

    @property
    def step(self):
        return self.screen.query_one("#beside-step-rows", LinesView).plain

    @property
    def differences(self):
        return self.screen.query_one(RowsView).plain


async def test_keys_change_the_step_and_the_other_one_and_take_it():
    opened = Opened((story_run(), 23))
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await opened.open(pilot)
        assert "step 24 of 87" in opened.step
        await pilot.press("right")
        await until(pilot, lambda: "step 25 of 87" in opened.step)
        assert "beside" in opened.step.splitlines()[0]
        assert "top_p" in opened.differences
        await pilot.press("p")
        await until(pilot, lambda: "num_beams" in opened.differences)
        assert RECOMMENDED in opened.screen.query_one("#beside-title", LinesView).plain
        await pilot.press("p", "P", "enter", "enter")
        await until(pilot, lambda: bool(opened.taken))
        assert opened.taken == [Side(RECOMMENDED, BEAMS)]


async def test_without_a_step_the_settings_stand_there_alone():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await opened.open(pilot)
        assert opened.step.strip() == "no step is at hand"
        await pilot.press("left", "q")
        await until(pilot, lambda: opened.taken == [None])


async def test_from_the_menu_a_preset_its_own_settings_and_the_recommended_are_taken():
    info = dataclasses.replace(ScriptedBackend().load(lambda *_: None), own_settings=("top_k=3",))
    app = make_app(ScriptedBackend(info=info))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        next_run = app.playground.next_run
        app.playground.turning.move(1)
        await pilot.press("ctrl+x", "C")
        await until(pilot, lambda: isinstance(app.screen, PresetsScreen))
        assert app.screen.other.name == "greedy"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        assert next_run.settings == next_run.preset.settings

        await pilot.press("alt+d", "C", "p", "enter")
        await until(pilot, lambda: app.screen is app.main)
        assert next_run.preset.name == "nucleus"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_page(snap_compare, size):
    async def before(pilot):
        await Opened((story_run(), 24)).open(pilot)
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=size, run_before=before)


def test_the_page_in_light(snap_compare):
    async def before(pilot):
        pilot.app.theme = PAPER.name
        await Opened((story_run(), 24)).open(pilot)
        await settled(pilot)

    assert snap_compare(make_app(ScriptedBackend()), terminal_size=(80, 24), run_before=before)
