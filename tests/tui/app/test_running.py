"""Running, stopping, queueing and continuing, on a scripted backend."""

from __future__ import annotations

import threading
import time

import pytest

from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset, PresetBook
from core.records.settings import Settings
from core.records.steps import Started
from tests.tui.helpers import (
    BOOK,
    EndsAtOnce,
    FailingRuns,
    GatedLoading,
    app_of,
    make_app,
    panel,
    ready,
    run_prompt,
    run_to_end,
    shown_document,
    status,
    steps,
    stopped,
    typed,
    until,
)
from tui.app.playground import PlaygroundApp
from tui.common.dialog import DialogScreen

SIZE = (120, 40)


async def test_enter_runs_the_prompt_exactly_as_typed():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press(*"Once", "space", "enter")
        await stopped(pilot)
        assert [request.prompt for request in backend.requests] == ["Once "]
        assert "Once  far, away there lived a cat.∎" in shown_document(pilot)
        assert typed(pilot) == ""


async def test_each_step_shows_its_own_candidates_as_it_happens():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        for count, text in enumerate(backend.texts[:3], 1):
            gate.release()
            await steps(pilot, count)
            shown = panel(pilot)
            assert f"step {count} · ● live" in shown
            chosen = next(row for row in shown.splitlines() if row.startswith("▸"))
            assert text.replace(" ", "·") in chosen.split()
            assert "50.0%" in chosen
            assert "57.1%" in chosen
            assert shown_document(pilot).endswith("Once" + "".join(backend.texts[:count]))
        gate.release(100)
        await stopped(pilot)


async def test_the_panel_says_what_cut_a_candidate_and_what_the_rest_holds():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        rows = panel(pilot).splitlines()
        assert sum("top_p" in row for row in rows) == 2
        rest = next(row for row in rows if "the rest" in row)
        assert "3.1%" in rest
        assert "–" in rest
        assert any("surprisal 1.00 · entropy 1.90 bits" in row for row in rows)
        assert any("rank 1 · likeliest of 3" in row for row in rows)


async def test_how_many_guesses_of_an_assistant_came_true():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert "draft" not in status(pilot)
        backend.accepted_tokens = 3
        await run_to_end(pilot, "Once")
        assert "75% of drafts accepted" in status(pilot)


async def test_escape_stops_and_keeps_the_text():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release(2)
        await steps(pilot, 2)
        await pilot.press("escape")
        await stopped(pilot)
        assert shown_document(pilot).endswith("Once far,")
        assert "stopped" in status(pilot)
        assert "2 tokens" in status(pilot)


async def test_what_comes_while_the_app_ends_is_painted_nowhere():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
    app.painting.changed()  # its widgets are gone


async def test_scrolling_what_is_all_in_sight_says_so():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("pageup")
        await pilot.pause()
        assert "all of the document is in sight" in status(pilot)


async def test_keys_of_the_page_mean_the_same_in_the_document():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        document = app_of(pilot).playground.document
        await pilot.press("tab", "home")
        assert document.position == 0
        await pilot.press("end")
        assert document.cursor is None


async def test_picking_the_picked_preset_says_so():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f1")
        assert "greedy is picked already" in status(pilot)


async def test_a_further_prompt_continues_the_document():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "one two")
        await run_to_end(pilot, "three")
        assert backend.requests[1].context_token_ids == (10, 11, *range(100, 108))
        assert shown_document(pilot).count("── greedy ──") == 2


async def test_enter_in_an_empty_line_writes_on():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "")
        await run_to_end(pilot, "")
        assert [request.prompt for request in backend.requests] == ["", ""]
        assert backend.requests[1].context_token_ids == tuple(range(100, 108))
        assert "from the start of text" in shown_document(pilot)
        assert "continued" in shown_document(pilot)


async def test_a_prompt_while_running_stays_in_the_line():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        await run_prompt(pilot, "Twice")
        assert typed(pilot) == "Twice"
        assert "still running — Esc stops it" in status(pilot)
        assert len(backend.requests) == 1
        gate.release(100)
        await stopped(pilot)
        await pilot.press("enter")
        await stopped(pilot)
        assert backend.requests[1].prompt.strip() == "Twice"


async def test_a_prompt_while_loading_waits_and_then_runs():
    backend = GatedLoading()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "reading the script" in status(pilot))
        await pilot.press(*"Once", "enter")
        assert "your prompt runs when it is ready" in status(pilot)
        assert typed(pilot) == ""
        assert not backend.requests
        backend.may_load.set()
        await until(pilot, lambda: len(backend.requests) == 1)
        await stopped(pilot)
        assert "Once far" in shown_document(pilot)


async def test_a_second_prompt_while_loading_is_not_lost():
    backend = GatedLoading()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await run_prompt(pilot, "Once")
        await run_prompt(pilot, "Twice")
        assert typed(pilot) == "Twice"
        await pilot.press("escape")
        assert typed(pilot) == "Once\nTwice"
        backend.may_load.set()
        await ready(pilot)
        assert not backend.requests


async def test_loading_counts_its_seconds():
    backend = GatedLoading()
    now = [0.0]
    app = make_app(backend)
    app.playground.model._clock = lambda: now[0]
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: " 37% 0 s" in status(pilot))
        now[0] = 7.0
        app.painting._clock = lambda: now[0]
        await until(pilot, lambda: " 37% 7 s" in status(pilot))
        backend.may_load.set()
        await ready(pilot)


async def test_a_failed_load_is_told_and_the_app_lives_on():
    backend = ScriptedBackend(load_error="no [b]gpt2-xl[/b] here")
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.playground.model.load_error is not None)
        assert "could not be loaded" in status(pilot)
        assert "no [b]gpt2-xl[/b] here" in str(app.main.query_one("#welcome").render())
        await run_prompt(pilot, "Once")
        assert typed(pilot) == "Once"
        assert "nothing can run" in status(pilot)
        backend._load_error = None
        app.action_load_again()
        await ready(pilot)
        await pilot.press("enter")
        await stopped(pilot)
        assert "Once far" in shown_document(pilot)


async def test_a_failed_load_gives_the_waiting_prompt_back():
    backend = GatedLoading(load_error="gone")
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await run_prompt(pilot, "Once")
        backend.may_load.set()
        await until(pilot, lambda: app.playground.model.load_error is not None)
        assert typed(pilot) == "Once"


async def test_a_run_that_never_starts_puts_the_prompt_back():
    app = make_app(FailingRuns())
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert typed(pilot) == "Once"
        assert "the prompt is longer than the context" in status(pilot)
        assert not app.playground.document.turns
        assert app.main.query_one("#welcome").display


async def test_a_refusal_too_long_for_the_status_line_is_told_in_full():
    app = make_app(FailingRuns())
    async with app.run_test(size=(40, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))
        told = str(app.screen.query_one("#dialog Static").visual)
        assert told == "the prompt is longer than the context"
        await pilot.press("escape")
        assert typed(pilot) == "Once"


async def test_a_notice_goes_with_the_next_key():
    app = make_app(FailingRuns())
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert "the prompt is longer than the context" in status(pilot)
        await pilot.press("e")
        assert "longer" not in status(pilot)
        assert "ready" in status(pilot)


async def test_a_run_that_breaks_keeps_its_text_and_says_why():
    async with make_app(FailingRuns(after_steps=2)).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert "Once far," in shown_document(pilot)
        assert "✗ the [b]device[/b] is gone" in shown_document(pilot)
        assert "failed: the [b]device[/b] is gone" in status(pilot)
        assert typed(pilot) == ""


async def test_the_reason_is_given_in_a_sentence():
    async with make_app(EndsAtOnce()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert "the context is full: 1,024 tokens are all it can hold" in status(pilot)


async def test_quitting_in_the_middle_of_a_run_ends_the_worker():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        began = time.monotonic()
        await pilot.press("ctrl+q")
    assert time.monotonic() - began < 2
    assert backend.closed


@pytest.mark.parametrize(
    ("asked", "own", "used"), [(7, None, 7), (7, 3, 7), (0, 3, 0), (None, 3, 3)]
)
async def test_the_seed_that_was_asked_for_takes_the_place_of_a_presets_own(asked, own, used):
    backend = ScriptedBackend()
    settings = Settings(do_sample=True, seed=own, max_new_tokens=4)
    book = PresetBook(BOOK.path, (Preset("one", "f1", "", settings),))
    app = PlaygroundApp(lambda _name: backend, book, seed=asked)
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert backend.requests[0].settings.seed == used
        assert isinstance(pilot.app.playground.document.turns[0].started, Started)


async def test_a_run_rests_while_a_key_is_answered_and_goes_on_once_that_is_painted():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        told, runs = [], pilot.app.playground.runs
        runs.rest = lambda: told.append(f"rest before {typed(pilot)!r}")
        runs.go_on = lambda: told.append(f"go on behind {typed(pilot)!r}")
        await pilot.press("a")
        await until(pilot, lambda: len(told) == 2)
        assert told == ["rest before ''", "go on behind 'a'"]
