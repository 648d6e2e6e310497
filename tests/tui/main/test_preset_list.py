"""The list of presets: however many there are, the current one is seen, and what it sets."""

from __future__ import annotations

import re

import pytest

from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset, PresetBook
from core.records.settings import Settings
from tests.tui.helpers import BOOK, make_app, ready, until
from tui.main.preset_list import PresetList
from tui.main.settings_line import SettingsLine

SIZES = [(80, 24), (120, 40), (200, 60)]


def many(count):
    return PresetBook(
        BOOK.path,
        tuple(
            Preset(
                f"preset-{at}",
                f"f{at + 1}" if at < 8 else f"alt+{chr(97 + at % 26)}" if at < 34 else "",
                "Draws from the likeliest tokens that together hold most of the probability.",
                Settings(do_sample=True, temperature=round(0.1 + at / 10, 1), top_p=0.9),
            )
            for at in range(count)
        ),
    )


def seen(app):
    listed = app.main.query_one(PresetList)
    rows = [listed.render_line(y).text for y in range(listed.size.height)]
    return "\n".join([str(listed.border_title), *rows])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 8, 16, 40, 200])
async def test_the_current_preset_and_its_settings_are_always_seen(size, count):
    app = make_app(ScriptedBackend())
    app.playground.next_run.book = many(count)
    app.playground.next_run.preset = app.playground.next_run.book.presets[0]
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        for at in sorted({0, count // 2, count - 1}):
            app.action_pick_preset(at)
            await until(pilot, lambda at=at: f"preset-{at} ◂" in seen(app))
            text = seen(app)
            line = app.main.query_one(SettingsLine).plain
            assert f"temperature {round(0.1 + at / 10, 1)}" in line
            names = set(re.findall(r"preset-\d+\b", text))
            told = sum(int(one) for one in re.findall(r"(\d+) more (?:above|below)", text))
            assert len(names) + told == count


async def test_the_wheel_and_a_click_reach_those_out_of_sight():
    app = make_app(ScriptedBackend())
    app.playground.next_run.book = many(40)
    app.playground.next_run.preset = app.playground.next_run.book.presets[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.painting.changed()
        listed = app.main.query_one(PresetList)
        for _ in range(50):
            listed.on_mouse_scroll_down()
        await until(pilot, lambda: "preset-39" in seen(app))
        assert "more above" in seen(app)
        y, x = next(
            (y, text.index("preset-39"))
            for y in range(listed.size.height)
            if "preset-39" in (text := listed.render_line(y).text)
        )
        top = listed.content_region.offset - listed.region.offset
        await pilot.click(PresetList, offset=(x + top.x, y + top.y))
        await until(pilot, lambda: app.playground.next_run.preset.name == "preset-39")
