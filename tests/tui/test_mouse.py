"""The mouse: marking text to copy it."""

from __future__ import annotations

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_to_end, until
from tests.tui.screen_app import shown
from tests.tui.tale import TaleBackend
from tui.widgets.transcript import Transcript

SIZE = (80, 24)


async def drag(pilot, start, end):
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)


async def test_a_stretch_over_two_lines_is_copied_as_it_was_written():
    async with make_app(TaleBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago, ")
        app = app_of(pilot)
        transcript = app.main.transcript
        lines = transcript.text.splitlines()
        assert "nucleus" not in lines[1]
        await drag(pilot, (2, 1), (6, 3))
        text = app.screen.get_selected_text()
        assert text is not None
        assert text in transcript.plain_text
        assert text.startswith("long long time ago, ")
        assert len(text) > 40
        await pilot.press("ctrl+c")
        assert app.clipboard == text


async def test_marks_between_runs_are_not_copied():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "One.")
        await run_to_end(pilot, "Two.")
        app = app_of(pilot)
        assert "──" in app.main.transcript.text
        await drag(pilot, (0, 0), (0, 20))
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.startswith("One.")
        assert "Two." in text
        assert "──" not in text
        app.action_copy_text()
        assert app.clipboard.startswith("One.")
        assert "──" not in app.clipboard


async def test_what_is_marked_is_set_off_and_no_token_is_selected():
    async with make_app(TaleBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago, ")
        app = app_of(pilot)
        before = app.main.transcript.render_line(1)
        await drag(pilot, (2, 1), (10, 1))
        await until(pilot, lambda: app.main.transcript.render_line(1) != before)
        assert app.playground.session.cursor is None
        assert "long lon" in app.screen.get_selected_text()


async def test_copying_says_what_it_copied():
    async with make_app(TaleBackend()).run_test(size=SIZE, notifications=True) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        app.copy_to_clipboard("[b]one[/b]\x1b two " + "x" * 100)
        await until(pilot, lambda: "116 characters copied" in shown(pilot))
        assert r"[b]one[/b]\x1b·two·xxx" in shown(pilot)
