"""Runs side by side on the screen: chosen with few keys, streamed, parted, gone on with."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from core.records.steps import Finished, TokenStep
from tests.tui.app.test_pictures import settled, still
from tests.tui.helpers import app_of, make_app, ready, typed, until
from tests.tui.tale import TaleBackend
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.look.themes import PAPER
from tui.tree.columns.choosing import ChooseColumnsScreen
from tui.tree.columns.screen import ColumnsScreen
from tui.tree.columns.view import ColumnView
from tui.why.tokens import WhyScreen

PROMPT = "A long long time ago,"
PARTS_AT = 6


class TwoTales(TaleBackend):
    """Tells what draws another tale, from one token on."""

    def generate(self, request, is_cancelled):
        ids = []
        for event in super().generate(request, is_cancelled):
            if isinstance(event, TokenStep):
                parts = request.settings.do_sample and event.index >= PARTS_AT
                token = event.distribution.candidates[-1] if parts else event.token
                event = dataclasses.replace(event, token=token, text=token.text)
                ids.append(token.token_id)
            elif isinstance(event, Finished) and ids:
                event = dataclasses.replace(event, token_ids=tuple(ids))
            yield event


async def chosen(pilot, *keys):
    """Type a prompt, open the box, and press ``keys``."""
    await ready(pilot)
    app_of(pilot).main.prompt.put(PROMPT)
    await pilot.press("alt+c")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseColumnsScreen))
    await pilot.press(*keys)


async def over(pilot):
    await until(pilot, lambda: not app_of(pilot).playground.columns.is_running)
    await until(pilot, lambda: isinstance(pilot.app.screen, ColumnsScreen))
    await pilot.pause(0.15)


def column(pilot, at):
    return list(pilot.app.screen.query(ColumnView))[at]


def rows(pilot, at, name):
    return column(pilot, at).query_one(f".column-{name}", LinesView).plain


async def test_three_keys_set_two_presets_side_by_side_and_one_goes_on():
    app = make_app(TwoTales())
    async with app.run_test(size=(120, 40)) as pilot:
        await chosen(pilot, "down", "enter")  # greedy is taken, nucleus pointed at
        await over(pilot)
        greedy, nucleus = column(pilot, 0).text, column(pilot, 1).text
        assert greedy.plain.startswith(" there lived a small grey cat")
        assert nucleus.plain.startswith(" there lived a small grey cat▸")
        assert {piece.kind for line in nucleus._lines for piece in line if piece.step == 2} == {
            "same"
        }
        assert f"step {PARTS_AT + 1}: " in rows(pilot, 1, "parting")
        assert "■ end of text" in rows(pilot, 0, "status")
        table = app.screen.query_one("#columns-rows", LinesView).plain.split("\n")
        assert [line.split()[:2] for line in table[1:]] == [["1", "greedy"], ["2", "nucleus"]]
        await pilot.press("n")
        assert app.playground.columns.beside.focused == 1
        assert column(pilot, 0).text.marked_text == " named"
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen))
        assert app.playground.document.turns == [], "the document is as it was"
        await pilot.press("1")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: not app.playground.document.is_running)
        fork = app.playground.document.turns[-1].fork
        assert (fork.step, fork.put) == (PARTS_AT + 1, " named")
        assert not typed(pilot)
        await pilot.press("ctrl+z")
        await chosen(pilot, "enter")
        await over(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is app.main)
        assert app.playground.document.turns[-1].preset_name == "beam"
        assert not typed(pilot), "the prompt is part of the document now"


async def test_stopped_resized_and_left_in_the_middle():
    gate = threading.Semaphore(0)
    app = make_app(TwoTales(gate))
    async with app.run_test(size=(120, 40)) as pilot:
        await chosen(pilot, "down", "space", "down", "space", "enter")
        gate.release(20)
        columns = app.playground.columns
        await until(pilot, lambda: sum(len(one.steps) for one in columns.comparison.columns) == 20)
        assert "esc" in footer_keys_of(app)["stop"]
        await pilot.resize_terminal(60, 20)
        await pilot.resize_terminal(90, 30)
        shown = [view.at for view in app.screen.query(ColumnView) if view.display]
        assert shown == [0, 1]
        await pilot.press("tab", "tab")
        shown = [view.at for view in app.screen.query(ColumnView) if view.display]
        assert shown == [1, 2]
        await pilot.press("escape")
        await over(pilot)
        assert "■ stopped" in rows(pilot, 2, "status")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert typed(pilot) == PROMPT
        assert len(app.playground.documents.tree.nodes) == 3, "what has come is in the tree"
        await pilot.press("alt+c", "down", "enter")
        await until(pilot, lambda: columns.is_running)
    assert [one.finished.reason for one in columns.comparison.columns] == ["cancelled"] * 2


def footer_keys_of(app):
    return {hint.meaning: hint.shown for hint in app.screen.query_one(KeyBar).hints}


async def test_seeds_and_a_setting_over_a_range_and_what_cannot_be_had_is_told():
    app = make_app(TwoTales(), "greedy")
    async with app.run_test(size=(120, 40)) as pilot:
        await chosen(pilot, "tab", "right", "enter")
        await until(pilot, lambda: "draws nothing" in str(refusal(app)))
        await pilot.press("down", "down", "left", "left", "enter")
        await over(pilot)
        assert len(app.playground.columns.runs) == 3
        assert "different 1 of 3" in app.screen.query_one("#columns-rows", LinesView).plain
        await pilot.press("z")
        await over(pilot)
        assert len(app.playground.documents.tree.nodes) == 6
        await pilot.press("escape")
        await pilot.press("alt+c", "tab", "tab", *"top_q=1:2:3", "enter")
        await until(pilot, lambda: "top_q" in str(refusal(app)))
        app.screen.query_one("#columns-sweep").value = "temperature=0.2:1.4:3"
        await pilot.press("down", "enter")
        await over(pilot)
        names = [one.plan.name for one in app.playground.columns.comparison.columns]
        assert names == ["temperature 0.2", "temperature 0.8", "temperature 1.4"]


def refusal(app):
    return app.screen.query_one("#columns-refusal").render()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_picture(snap_compare, size):
    async def before(pilot):
        await still(pilot)
        await chosen(pilot, "down", "space", "down", "enter")
        await over(pilot)
        await pilot.press("n")
        await settled(pilot)

    assert snap_compare(make_app(TwoTales()), terminal_size=size, run_before=before)


def test_picture_of_the_box_and_in_light(snap_compare):
    async def before(pilot):
        await still(pilot)
        pilot.app.theme = PAPER.name
        await chosen(pilot, "down", "space")
        await settled(pilot)

    assert snap_compare(make_app(TwoTales()), terminal_size=(80, 24), run_before=before)
