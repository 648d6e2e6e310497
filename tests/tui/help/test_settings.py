"""Every setting on a page of its own: reached from the help, turned by the arrows."""

from __future__ import annotations

import pytest

from tests.tui.helpers import app_of, ready, until
from tui.help.setting_rows import setting_rows


def text(rows):
    return "\n".join("".join(part for part, _ in row) for row in rows)


def test_a_page_says_what_is_known_of_it_and_draws_what_it_does():
    page = text(setting_rows("top_k", 1, 80))
    for told in ("does ", "formula", "range    at least 0; without it, 50", "arXiv 1805.04833"):
        assert told in page
    assert "◂ top_k 2 ▸" in page
    assert page.count(" cut") == 12
    assert "2 of 14 tokens are left" in page
    assert "◂" not in text(setting_rows("top_k", 0, 80))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_arrows_turn_a_setting_and_go_to_another(app, size):
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("f12", "s")
        screen = app_of(pilot).screen
        page = screen.query_one("#setting")
        assert "temperature · setting 1 of" in str(page.border_title)
        before = str(screen.query_one("#setting-text").render())
        await pilot.press("right")
        await until(pilot, lambda: str(screen.query_one("#setting-text").render()) != before)
        await pilot.press("down")
        assert str(page.border_title).startswith("top_h")
        await pilot.press("up", "up")
        assert "early_stopping" in str(page.border_title)
        await pilot.press("escape", "escape")
        assert app_of(pilot).screen is app_of(pilot).main
