"""A page's style lies with the page, so that it looks the same whatever was opened before it."""

from __future__ import annotations

import re

import pytest

from core.backends.scripted import ScriptedBackend
from tests.places import REPOSITORY
from tests.tui.helpers import app_of, make_app, ready, run_to_end, until
from tui.inputs.screen import InputScreen

STYLES = sorted((REPOSITORY / "tui").rglob("*.tcss"))
_ID = re.compile(r"#([a-z][a-z0-9-]*)(?=[^{};]*\{)")


@pytest.mark.parametrize(
    "style",
    [one for one in STYLES if one.parent.name != "common"],  # there what several rooms share
    ids=lambda style: "/".join(style.parts[-2:]),
)
def test_a_style_names_what_its_own_room_makes(style):
    source = "".join(one.read_text(encoding="utf-8") for one in style.parent.rglob("*.py"))
    made = set(re.findall(r'f?"#?([a-z][a-z0-9-]*)(?:\{.*?\})?"', source))
    named = set(_ID.findall(style.read_text(encoding="utf-8")))

    assert {
        one for one in named if one not in made and one.rstrip("0123456789") not in made
    } == set()


async def test_a_box_has_its_style_before_any_page_was_opened():
    async with make_app(ScriptedBackend([" a"])).run_test(size=(100, 30)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app_of(pilot).screen, InputScreen))

        assert not app_of(pilot).screen.query_one("#input-refusal").display


async def test_the_list_of_models_has_its_own_mark_before_any_page_was_opened():
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        app = app_of(pilot)
        await ready(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: bool(app.screen.query("#model-list")))
        marked = app.screen.query_one("#model-list").get_component_styles(
            "option-list--option-highlighted"
        )

        assert marked.background.hex == app.theme_variables["picked"].upper()
