"""The theme and the tint are there again at the next start."""

from __future__ import annotations

import json

import pytest

from core.records.errors import PlaygroundError
from tests.tui.helpers import make_app, ready, until
from tests.tui.screen_app import shown
from tests.tui.tale import TaleBackend
from tui.look.appearance import Appearance, AppearanceFile
from tui.look.themes import INK, PAPER


def app_with(file):
    return make_app(TaleBackend(), appearance_file=AppearanceFile(file))


async def test_theme_and_tint_are_remembered(tmp_path):
    file = tmp_path / "state" / "appearance.json"
    app = app_with(file)
    async with app.run_test() as pilot:
        await ready(pilot)
        assert (app.theme, app.main.transcript.is_tinted) == (INK.name, True)
        app.action_toggle_light()
        app.action_toggle_tint()
        await until(pilot, lambda: AppearanceFile(file).read() == Appearance(PAPER.name, False))
    again = app_with(file)
    async with again.run_test() as pilot:
        await ready(pilot)
        assert (again.theme, again.main.transcript.is_tinted) == (PAPER.name, False)


@pytest.mark.parametrize(
    "kept",
    [b"", b"{", b"[]", b'{"theme": 1, "is_tinted": "no"}', b"\xff", b"[" * 4_000, b" " * 9_999],
)
def test_a_damaged_file_is_as_none(tmp_path, kept):
    file = tmp_path / "appearance.json"
    file.write_bytes(kept)
    assert AppearanceFile(file).read() == Appearance()


async def test_a_theme_that_is_gone_is_the_first_one(tmp_path):
    file = tmp_path / "appearance.json"
    file.write_text(json.dumps({"theme": "no such theme", "is_tinted": False}))
    app = app_with(file)
    async with app.run_test() as pilot:
        await ready(pilot)
        assert (app.theme, app.main.transcript.is_tinted) == (INK.name, False)


async def test_where_it_cannot_be_kept_a_sentence_says_so(tmp_path):
    (tmp_path / "state").write_text("a file where the folder would be")
    file = tmp_path / "state" / "appearance.json"
    with pytest.raises(PlaygroundError, match="cannot be remembered"):
        AppearanceFile(file).keep(Appearance())
    app = app_with(file)
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await ready(pilot)
        app.action_toggle_light()
        await until(pilot, lambda: "cannot be remembered" in shown(pilot))
