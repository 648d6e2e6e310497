"""Settings turned on the main page: shown, run, saved and taken back, without leaving it."""

from __future__ import annotations

import pytest

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.presets.finding import load_presets
from tests.tui.helpers import make_app, panel, ready, run_to_end, status, stopped, until
from tui.app.playground import PlaygroundApp
from tui.common.dials.list import DialList
from tui.main.dials_panel import DialsPanel
from tui.main.preset_list import PresetList
from tui.main.settings_line import SettingsLine

FILE = """presets:
  # drawn, not taken
  drawn:
    key: f2
    settings: {do_sample: true, top_k: 0, max_new_tokens: 8, seed: 3}
"""


def dials(app):
    return app.main.query_one(DialList).plain


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_preset_is_turned_tried_saved_and_taken_back(tmp_path, size):
    path = tmp_path / "presets.yaml"
    path.write_text(FILE)
    app = PlaygroundApp(lambda _name: LocalBackend("demo", device="cpu"), load_presets(path))
    async with app.run_test(size=size) as pilot:
        main, next_run = app.main, app.playground.next_run
        line = main.query_one(SettingsLine)
        await run_to_end(pilot, "A long time ago")
        await pilot.press(*" and")
        assert "F2 drawn  max_new_tokens 8 · do_sample true · top_k 0 · seed 3" in line.plain

        await pilot.press("alt+d")
        await until(pilot, lambda: "run" in panel(pilot))
        assert app.screen is main
        assert main.query_one(DialsPanel).has_focus
        assert not main.query_one(PresetList).is_on_screen
        assert "temperature" in dials(app)
        assert "more than 0" in dials(app)
        await pilot.press("minus", "minus", "minus")
        await until(pilot, lambda: "100%" in panel(pilot) or "now" in panel(pilot))
        assert "F2 drawn*" in line.plain
        assert "temperature 0.25" in line.plain
        await until(pilot, lambda: app.playground.turning.effect().look is not None)
        shown = app.playground.turning.effect().look
        assert shown.rows[0].scrubbed.final_probability > shown.rows[0].own.final_probability

        before = app.playground.document.step_count()
        await pilot.press("r")
        await until(pilot, lambda: app.playground.document.step_count() > before)
        await stopped(pilot)
        assert app.playground.document.turns[-1].preset_name == "drawn*"
        assert app.playground.document.turns[-1].prompt == " and"

        await pilot.press("backspace")
        assert "drawn*" not in line.plain
        await pilot.press("backspace", "k")
        await until(pilot, lambda: app.screen is not main)
        await pilot.press(*"cold", "enter")
        await until(pilot, lambda: app.screen is main)
        assert path.read_text().startswith(FILE)
        assert load_presets(path).named("cold").settings.temperature == 0.25
        assert next_run.preset.name == "cold"
        await pilot.press("escape")
        assert main.prompt.has_focus
        assert not main.query_one(DialsPanel).display


async def test_keys_and_the_mouse_pick_and_turn_and_what_has_nothing_to_do_says_so():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("alt+d", "down", "down", "right")
        assert app.playground.next_run.settings.top_p == 1.0  # its end: nothing is beyond
        await pilot.press("k")
        assert "greedy is as it was; alt+d turns its settings" in status(pilot)
        await pilot.press("j")
        assert "j does nothing here" in status(pilot)
        y = next(at for at, row in enumerate(dials(app).split("\n")) if "min_p" in row)
        await pilot.click(DialList, offset=(3, y))
        assert app.playground.turning.dial.name == "min_p"
        await pilot.press(*["up"] * 4, "right")
        assert app.playground.next_run.settings.seed == 0
        await pilot.press("0")
        assert app.playground.next_run.settings.seed is None
        await pilot.press("p")
        assert app.playground.next_run.preset.name == "beam"
        await pilot.press("tab", *"typed")
        assert app.main.prompt.text == "typed"
        assert "seed" in dials(app)
        await pilot.press("alt+d", "alt+d")
        assert not app.playground.turning.is_open
        assert app.main.prompt.text == "typed"


async def test_a_preset_that_is_turned_is_marked_in_the_list():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("alt+d", "right", "q", "f2")
        listed = app.main.query_one(PresetList)
        rows = [listed.render_line(y).text.strip() for y in range(listed.size.height)]
        assert "F1  greedy*" in rows
        await pilot.press("f1", "f1")
        assert "greedy is as it was" in status(pilot)


async def test_the_document_is_wrapped_anew_where_the_dials_take_room(tmp_path):
    path = tmp_path / "presets.yaml"
    path.write_text(FILE.replace("max_new_tokens: 8", "max_new_tokens: 80"))
    app = PlaygroundApp(lambda _name: LocalBackend("demo", device="cpu"), load_presets(path))

    def overhang():
        text = app.main.transcript
        rows = [text.render_line(y).text.rstrip() for y in range(text.size.height)]
        return max(map(len, rows)) - text.scrollable_content_region.width

    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await run_to_end(pilot, "A long time ago")
        wide = app.main.transcript.size.width
        before = app.main.transcript.text
        await pilot.press("alt+d")
        await until(pilot, lambda: app.main.transcript.size.width < wide)
        assert overhang() <= 0
        await pilot.press("escape")
        await until(pilot, lambda: app.main.transcript.size.width == wide)
        assert app.main.transcript.text == before
