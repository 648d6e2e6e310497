"""The document's scroll bar: textual's in every cell, and drawn only where it changes."""

from __future__ import annotations

import pytest
from textual.geometry import Offset

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, run_to_end
from tui.terminal.drawn_scroll_bar import DrawnScrollBar

TEXTS = [f" word{number}" for number in range(300)]


def _bar(pilot) -> DrawnScrollBar:
    bar = app_of(pilot).main.transcript.vertical_scrollbar
    assert isinstance(bar, DrawnScrollBar)
    return bar


def _cells(strips):
    """The character, colours and mouse actions of each cell."""
    return [
        (text, style.color, style.bgcolor, style.reverse, style.meta)
        for strip in strips
        for text, style, _ in strip
    ]


def _textuals(bar: DrawnScrollBar):
    bar._set_dirty()
    bar._render_content()
    return bar._render_cache.lines


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_cell_is_what_textual_would_have_drawn(size):
    async with make_app(ScriptedBackend(TEXTS)).run_test(size=size) as pilot:
        await run_to_end(pilot, "Once")
        bar = _bar(pilot)
        height = bar.size.height
        for length in (0, height - 1, height, height + 1, 3 * height, 50 * height):
            for position in (0, 0.5, 1, 2.25, height / 2, max(0, length - height)):
                bar.window_virtual_size, bar.position = length, position
                assert _cells(bar.render_lines(bar.size.region)) == _cells(_textuals(bar))


async def test_the_mouse_and_the_theme_change_its_colours():
    async with make_app(ScriptedBackend(TEXTS)).run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        bar = _bar(pilot)

        def drawn():
            cells = _cells(bar.render_lines(bar.size.region))
            assert cells == _cells(_textuals(bar))
            return cells

        before = drawn()
        bar.mouse_over = True
        assert drawn() != before
        bar.grabbed = Offset(0, 0)
        assert drawn() != before
        bar.grabbed, bar.mouse_over = None, False
        assert drawn() == before
        app_of(pilot).action_toggle_light()
        await pilot.pause()
        assert drawn() != before


async def test_a_bar_that_stays_the_same_is_not_drawn_again():
    async with make_app(ScriptedBackend(TEXTS)).run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.pause()
        bar, asked = _bar(pilot), []
        bar._set_dirty = lambda *regions: asked.append(regions)
        bar.refresh()
        assert not asked
        bar.position += 1
        assert asked
        asked.clear()
        bar.window_virtual_size = bar.window_size  # all is in sight: no thumb
        assert asked
        asked.clear()
        bar.window_virtual_size -= 5
        assert not asked
