"""Looking back, presets, beams, the gauge, clearing."""

from __future__ import annotations

import threading

import pytest

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import (
    EndsAtOnce,
    app_of,
    footer_keys,
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
)
from tui.main.context_gauge import ContextGauge
from tui.main.preset_list import PresetList

SIZE = (120, 40)


def chosen(pilot):
    return next(row for row in panel(pilot).splitlines() if row.startswith("▸")).split()[1]


def selected_text(pilot):
    """What is drawn as the selected token."""
    transcript = app_of(pilot).main.transcript
    style = transcript.get_component_rich_style("transcript--selected")
    return "".join(
        segment.text
        for y in range(transcript.size.height)
        for segment in transcript.render_line(y)
        if segment.style is not None and segment.style.bgcolor == style.bgcolor
    )


async def test_left_and_right_look_back_with_an_empty_prompt():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("left", "left")
        assert "step 6 of 8 · ◀ looking back" in panel(pilot)
        assert chosen(pilot) == "·a"
        assert selected_text(pilot) == " a"
        await pilot.press("right")
        assert chosen(pilot) == "·cat"
        assert selected_text(pilot) == " cat"
        await pilot.press("right")
        assert "looking back" not in panel(pilot)
        assert selected_text(pilot) == ""


@pytest.mark.parametrize("key", ["f9", "ctrl+b", "ctrl+l", "ctrl+s"])
async def test_a_key_that_needs_a_text_says_so_where_there_is_none(key):
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press(key)
        assert "there is no text yet" in status(pilot)
        await run_to_end(pilot, "Once")
        await pilot.press(key)
        await pilot.pause()
        assert "no text yet" not in status(pilot)


async def test_home_and_end_reach_both_ends():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("home")
        assert "step 1 of 8" in panel(pilot)
        assert chosen(pilot) == "·far"
        await pilot.press("end")
        assert "step 8 of 8" in panel(pilot)


async def test_arrow_keys_edit_a_typed_prompt_and_alt_still_looks_back():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("a", "c", "left", "b")
        assert typed(pilot) == "abc"
        assert "looking back" not in panel(pilot)
        await pilot.press("alt+left")
        assert "step 7 of 8" in panel(pilot)
        assert typed(pilot) == "abc"


async def test_looking_back_does_not_stop_a_run_nor_follow_it():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release(3)
        await steps(pilot, 3)
        await pilot.press("left", "left")
        gate.release(2)
        await steps(pilot, 5)
        assert "step 1 of 5 · ◀ looking back" in panel(pilot)
        assert chosen(pilot) == "·far"
        await pilot.press("end")
        assert "step 5 · ● live" in panel(pilot)
        gate.release(100)
        await stopped(pilot)


async def test_steps_of_earlier_turns_can_be_looked_at():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await run_to_end(pilot, "Twice")
        await pilot.press("home")
        assert "step 1 of 8" in panel(pilot), "steps are counted within their run"
        assert selected_text(pilot) == " far"


async def test_a_preset_key_picks_the_preset():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f4")
        assert "nucleus ◂" in str(app_of(pilot).main.query_one(PresetList).render())
        assert "nucleus" in status(pilot)
        await run_to_end(pilot, "Once")
        assert backend.requests[0].settings.top_p == 0.9
        assert "── nucleus ──" in shown_document(pilot)
        assert "drawn from 3" in panel(pilot)


async def test_a_preset_key_while_running_applies_to_the_next_run():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release()
        await steps(pilot, 1)
        await pilot.press("ctrl+g")
        assert "odd applies to the next run" in status(pilot)
        assert "running · greedy" in status(pilot)
        gate.release(100)
        await stopped(pilot)
        await run_to_end(pilot, "Twice")
        assert [request.settings.do_sample for request in backend.requests] == [False, True]


async def test_beams_are_listed_and_replace_the_text():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    async with make_app(backend, "beam").run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release(2)
        await steps(pilot, 2)
        rows = panel(pilot).splitlines()
        assert "5 beams · 0 finished · 0 dropped" in rows
        ranked = [row for row in rows if row[:4].replace("▸", " ").strip().isdigit()]
        assert len(ranked) == 5
        assert ranked[0].startswith("▸ 1   -1.70")
        assert ranked[0].endswith(" far,")
        assert shown_document(pilot).endswith("Once far,")
        gate.release()
        await steps(pilot, 3)
        assert shown_document(pilot).endswith("Once far, away")
        gate.release(100)
        await stopped(pilot)
        await pilot.press("home")
        assert shown_document(pilot).endswith("Once far")


async def test_a_beam_says_where_it_came_from():
    class Crossing(ScriptedBackend):
        def _hypothesis(self, index, rank, parent):
            return super()._hypothesis(index, rank, parent=0)

    async with make_app(Crossing(), "beam").run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert panel(pilot).count("←1") == 4


@pytest.mark.parametrize("used", [1000])
async def test_the_gauge_counts_the_documents_tokens(used):
    async with make_app(EndsAtOnce()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        gauge = app_of(pilot).main.query_one(ContextGauge)
        assert "0/1,024" in gauge.plain
        await run_to_end(pilot, "Once")
        assert f"{used:,}/1,024" in gauge.plain
        assert any("$text-error" in style for _, style in gauge._rows[0])


async def test_the_gauge_shows_whole_numbers():
    shown = [
        (1024, "context ━━━━━━━━━━━━ 1,000/1,024", " 1,000/1,024"),
        (32768, "context ━────────── 1,000/32,768", " 1,000/32.8k"),
        (131072, "context ━───────── 1,000/131,072", "  1,000/131k"),
        (1048576, "context ━─────── 1,000/1,048,576", " 1,000/1.05M"),
        (None, "context 1,000 tokens", "1,000 tokens"),
    ]
    async with make_app(EndsAtOnce()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        gauge = app_of(pilot).main.query_one(ContextGauge)
        for size, wide, _ in shown:
            gauge.show(1000, size)
            assert gauge.plain == wide
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        for size, _, narrow in shown:
            gauge.show(1000, size)
            assert gauge.plain == narrow


async def test_a_full_context_says_how_to_clear_it():
    app = make_app(EndsAtOnce())
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        assert "ctrl+l clears the document" in str(app.main.prompt.placeholder)
        await pilot.press("ctrl+l")
        assert "takes this example" in str(app.main.prompt.placeholder)


async def test_clearing_empties_the_document_and_can_be_undone():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("ctrl+l")
        assert not app.playground.document.turns
        assert app.main.query_one("#welcome").display
        assert shown_document(pilot) == ""
        assert "the five tokens" in panel(pilot)
        assert "bring back" in footer_keys(pilot)
        await pilot.press("ctrl+l")
        assert "Once far" in shown_document(pilot)
        assert "step 8 of 8" in panel(pilot)


async def test_clearing_in_the_middle_of_a_run_stops_it_first():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "Once")
        gate.release()
        await steps(pilot, 1)
        await pilot.press("ctrl+l")
        await stopped(pilot)
        assert not app.playground.document.turns
        gate.release(100)
        await run_to_end(pilot, "Twice")
        assert backend.requests[1].context_token_ids == ()


async def test_the_footer_offers_what_can_be_pressed_now():
    gate = threading.Semaphore(0)
    async with make_app(ScriptedBackend(step_gate=gate)).run_test(size=SIZE) as pilot:
        await ready(pilot)
        assert not {"stop", "step back", "clear"} & footer_keys(pilot).keys()
        assert "run" in footer_keys(pilot)
        await run_prompt(pilot, "Once")
        gate.release()
        await steps(pilot, 1)
        assert {"stop", "step back", "clear"} <= footer_keys(pilot).keys()
        assert "run" not in footer_keys(pilot)
        assert "Esc stops it" in str(app_of(pilot).main.prompt.placeholder)
        await run_prompt(pilot, "Twice")
        await pilot.pause()
        assert "still running" in status(pilot), "whoever presses Enter is told why nothing runs"
        assert typed(pilot) == "Twice"
        gate.release(100)
        await stopped(pilot)
        assert "stop" not in footer_keys(pilot)
        assert "run" in footer_keys(pilot)
