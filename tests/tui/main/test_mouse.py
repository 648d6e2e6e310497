"""The mouse: marking text to copy it."""

from __future__ import annotations

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_to_end, until
from tests.tui.screen_app import shown
from tests.tui.tale import TaleBackend
from tui.common.lines_view import LinesView
from tui.prose.transcript import Transcript
from tui.why.candidate_list import CandidateList
from tui.why.tokens import WhyScreen

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
        assert app.playground.document.cursor is None
        assert "long lon" in app.screen.get_selected_text()


async def test_copying_says_what_it_copied():
    async with make_app(TaleBackend()).run_test(size=SIZE, notifications=True) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        app.copy_to_clipboard("[b]one[/b]\x1b two " + "x" * 100)
        await until(pilot, lambda: "116 characters copied" in shown(pilot))
        assert r"[b]one[/b]\x1b·two·xxx" in shown(pilot)


async def click_candidate(pilot, number):
    table = pilot.app.screen.query_one("#step-table")
    await pilot.click(table, offset=(4, number))


async def test_a_click_on_a_candidate_forks_as_enter_does(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago")
        document = app.playground.document
        await pilot.press("home", "right")
        wanted = document.selected()[1].distribution.candidates[1]
        await click_candidate(pilot, 2)
        await until(pilot, lambda: not app.playground.is_busy)
        forked = app.playground.document.turns[-1]
        assert forked.steps[0].token.token_id == wanted.token_id
        assert [node.node_id for node in app.playground.documents.tree.nodes] == [1, 2]


async def test_a_click_on_the_token_that_greedy_took_says_that_it_would_repeat(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago")
        await click_candidate(pilot, 1)
        await until(pilot, lambda: "the text would repeat" in shown(pilot))
        assert len(app.playground.document.turns) == 1


async def test_a_click_by_hand_chooses(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r", *"Once", "enter")
        await until(pilot, lambda: app.playground.document.next_token is not None)
        wanted = app.playground.document.next_token.distribution.candidates[2]
        await click_candidate(pilot, 3)
        await until(pilot, lambda: app.playground.document.step_count() == 1)
        assert app.playground.document.turns[-1].steps[0].token.token_id == wanted.token_id


async def test_a_click_on_a_beam_says_how_beams_are_forked(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await run_to_end(pilot, "A long long time ago")
        await click_candidate(pilot, 2)
        await until(pilot, lambda: "goes on from any beam" in shown(pilot))


async def test_in_f9_one_click_selects_and_a_second_goes_on(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago")
        await pilot.press("home", "f9")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        rows = app.screen.query_one(CandidateList)
        await until(pilot, lambda: rows.option_count > 5)
        wanted = app.playground.document.selected()[1].distribution.candidates[3]
        await pilot.click(rows, offset=(5, 4))
        assert rows.highlighted == 3
        assert isinstance(app.screen, WhyScreen)
        await pilot.click(rows, offset=(5, 4))
        await until(pilot, lambda: not isinstance(app.screen, WhyScreen))
        await until(pilot, lambda: not app.playground.is_busy)
        assert app.playground.document.turns[-1].steps[0].token.token_id == wanted.token_id


async def test_what_is_marked_beside_the_text_is_copied_as_it_stands_there():
    async with make_app(TaleBackend()).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago, ")
        table = app_of(pilot).main.query_one("#step-table", LinesView)
        await pilot.mouse_down(table, offset=(0, 0))
        await pilot.hover(table, offset=(20, 2))
        await pilot.mouse_up(table, offset=(20, 2))
        text = app_of(pilot).screen.get_selected_text()
        assert text is not None
        assert table.plain.startswith(text.splitlines()[0])
        assert text.splitlines()[1] in table.plain


async def test_a_row_that_is_too_wide_is_cut_and_never_wraps():
    async with make_app(TaleBackend()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        view = app_of(pilot).main.query_one("#model", LinesView)
        view.update_rows([[("[b]wide", "bold"), ("日本語 " * 60, "$text-accent")]])
        await pilot.pause()
        strips = view.render_lines(view.size.region)
        assert [strip.cell_length for strip in strips] == [view.size.width]
        assert strips[0].text.startswith("[b]wide日本語 日本語")
