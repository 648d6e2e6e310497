"""Every theme on offer can be read, and its tints have an order, in every kind of terminal."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from textual.color import Color
from textual.geometry import Region
from textual.theme import BUILTIN_THEMES

import tui
from tests.tui.helpers import make_app, ready, run_to_end, until
from tests.tui.tale import TaleBackend
from tui.look.colours import TINT_STYLES, colour_variables, contrast, drawn
from tui.look.themes import INK, PAPER

THEMES = {theme.name: theme for theme in (*BUILTIN_THEMES.values(), INK, PAPER)}
COMPUTED = [name for name, theme in THEMES.items() if not theme.ansi]
BACKGROUNDS = ("background", "surface", "panel", "picked")
TEXTS = ("foreground", "dim", "text-primary", "text-accent", "text-warning", "text-error")
FILLS = ("other", "other-later", "cut", "cut-later", "token-even", "token-odd", "selected")
LEAST = {"truecolor": 4.5, "256": 4.5, "standard": 3.0}
SHAPES = re.compile(r"[\s\u2500-\u259f\u25a0-\u25ff·]*")


def variables(name, colours="truecolor", *, tints_by_style=False):
    theme = THEMES[name]
    given = {**theme.to_color_system().generate(), **theme.variables}
    mended = colour_variables(
        given, is_dark=theme.dark, colours=colours, tints_by_style=tints_by_style
    )
    return given | mended


@pytest.mark.parametrize("colours", LEAST)
@pytest.mark.parametrize("name", COMPUTED)
def test_text_stands_out_from_all_it_stands_on(name, colours):
    found = variables(name, colours)

    def seen(text, behind):
        one, other = (drawn(Color.parse(found[key]), colours) for key in (text, behind))
        return contrast(one, other)

    for text in TEXTS:
        for behind in BACKGROUNDS:
            assert seen(text, behind) >= LEAST[colours], (text, behind)
    for fill in (*FILLS, *(f"tint-{level}" for level in range(5))):
        assert seen(f"on-{fill}", fill) >= LEAST[colours], fill


@pytest.mark.parametrize("colours", ["truecolor", "256"])
@pytest.mark.parametrize("name", COMPUTED)
def test_the_more_surprising_the_more_a_tint_stands_out(name, colours):
    found = variables(name, colours)
    background = drawn(Color.parse(found["background"]), colours)
    scale = [drawn(Color.parse(found[f"tint-{level}"]), colours) for level in range(5)]
    contrasts = [contrast(one, background) for one in scale]
    assert contrasts[0] == 1
    assert all(after >= before * 1.1 for before, after in pairwise(contrasts))


@pytest.mark.parametrize("name", THEMES)
def test_too_few_colours_to_tint_with_leave_weights_and_underlines(name):
    found = variables(name, "standard", tints_by_style=True)
    assert tuple(found[f"tint-{level}-style"] for level in range(5)) == TINT_STYLES
    assert found["prompt-style"] not in TINT_STYLES
    assert len({found[f"tint-{level}"] for level in range(5)}) == 1


def test_no_style_is_a_theme_colour_thinned_until_it_cannot_be_read():
    thin = re.compile(r"\$(foreground|primary|secondary|accent|error|text-\w+) \d+%")
    folder = Path(tui.__file__).parent
    files = [*folder.rglob("*.py"), *folder.rglob("*.tcss")]
    assert len(files) > 20
    assert [file.name for file in files if thin.search(file.read_text("utf-8"))] == []


def shown_contrasts(app):
    """Each stretch of text that the screen's widgets draw, with its contrast."""
    ansi = app.ansi_theme
    for widget in app.screen.query("*"):
        if not (widget.display and widget.is_attached and widget.size):
            continue
        behind = widget.background_colors[1]
        for strip in widget.render_lines(Region(0, 0, *widget.size)):
            for text, style, _ in strip:
                if style is None or SHAPES.fullmatch(text) or style.color is None:
                    continue
                front = Color(*style.color.get_truecolor(ansi))
                back = Color(
                    *(style.bgcolor.get_truecolor(ansi, False) if style.bgcolor else behind.rgb)
                )
                if style.reverse:
                    front, back = back, front
                yield text, contrast(front, back)


def faint(app):
    return [one for one in shown_contrasts(app) if one[1] < 3]


async def test_all_that_is_drawn_can_be_read_in_every_theme():
    app = make_app(TaleBackend())
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago, ")
        await pilot.press("home")
        read = []
        for name in THEMES:
            app.theme = name
            # A theme reaches the widgets one after the other.
            await until(pilot, lambda: not faint(app))
            assert len(list(shown_contrasts(app))) > 60
            read.append(name)
        assert read == list(THEMES)
