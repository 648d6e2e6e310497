"""A presets file saved beside the running app, broken and mended."""

from __future__ import annotations

import pytest

from core.backends.scripted import ScriptedBackend
from core.presets.finding import load_presets
from core.presets.watching import PresetsWatch
from tests.tui.helpers import ready, until
from tui.app.playground import PlaygroundApp
from tui.main.presets_fault import PresetsFault
from tui.main.settings_line import SettingsLine

TEXT = """presets:
  plain: {key: f1, settings: {max_new_tokens: 8}}
  drawn:
    key: f2
    settings:
      do_sample: true
      top_p: 0.9
"""


def seen(app):
    return app.main.query_one(SettingsLine).plain


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_saved_edit_is_there_and_the_pick_and_what_is_typed_stay(tmp_path, size):
    path = tmp_path / "presets.yaml"
    path.write_text(TEXT)
    book = load_presets(path)
    watch = PresetsWatch(book, path)
    app = PlaygroundApp(lambda _name: ScriptedBackend(), book, watch=watch)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("f2", *"abc", "left")
        fault = app.main.query_one(PresetsFault)
        path.write_text(TEXT.replace("0.9", "0.25").replace("f1", "f4"))
        await until(pilot, lambda: "0.25" in " ".join(seen(app).split()))
        assert app.playground.next_run.preset.name == "drawn"
        assert (app.main.prompt.text, app.main.prompt.cursor_location) == ("abc", (0, 2))
        assert not fault.display

        path.write_text(TEXT.replace("0.9", "[b]9[/b]"))
        await until(pilot, lambda: fault.display)
        told = "".join(fault.plain.split())
        assert f"{path}:7:preset'drawn':notvalidYAML" in told
        assert "0.25" in " ".join(seen(app).split())
        await pilot.press("f4")
        assert app.playground.next_run.preset.name == "plain"
        assert fault.display

        path.write_text(TEXT)
        await until(pilot, lambda: not fault.display)
        assert app.playground.next_run.preset.key == "f1"
