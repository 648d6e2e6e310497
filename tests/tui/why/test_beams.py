"""Why these beams: what is told of a beam step in the app, and branching from any beam."""

from __future__ import annotations

import pytest

from core.document.turn import Turn
from core.looking_back.beam_contest import ParentBeam, contest
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Hypothesis, Started
from tests.tui.app.test_pictures import settled
from tests.tui.helpers import (
    app_of,
    make_app,
    ready,
    run_to_end,
    shown_document,
    stopped,
    until,
)
from tests.tui.screen_app import shown
from tests.tui.tale import TaleBackend
from tui.common.beam_rows import standing_rows
from tui.why.beam_rows import parent_rows
from tui.why.beams import BeamsScreen
from tui.why.tokens import WhyScreen


async def searched(pilot, position):
    """Run a beam search over the bundled model and look into one of its steps."""
    await ready(pilot)
    await pilot.press("f2")
    await run_to_end(pilot, "Once upon a time")
    await pilot.press("home", *["right"] * position, "f9")
    await until(pilot, lambda: isinstance(app_of(pilot).screen, BeamsScreen))
    await pilot.pause()


async def test_any_beam_can_be_gone_on_with(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await searched(pilot, 3)
        document = app.playground.document
        turn, step = document.selected()
        parents = contest(step, turn.steps[2])
        parent = parents[-1]
        chosen = parent.contenders[1].candidate
        context = turn.started.context_token_ids
        winner = turn.token_ids
        assert parent.hypothesis.token_ids != winner[:3], "a beam that did not win"

        screen = app.screen
        place = screen._rows.index((parent, parent.contenders[1]))
        screen.query_one("#why-candidates").highlighted = place
        await pilot.press("enter")
        await stopped(pilot)
        forked = app.playground.document.token_ids
        expected = (*context, *parent.hypothesis.token_ids, chosen.token_id)
        assert forked[: len(expected)] == expected
        assert len(forked) > len(expected)
        assert " instead of " in shown_document(pilot)
        written = "Once upon a time" + parent.hypothesis.text + chosen.text
        assert app.playground.document.text.startswith(written)

        tree = app.playground.documents.tree
        branch = tree.node(tree.cursor).beginning
        assert branch.step == 4, "what the page said, whatever the winner has in common with it"
        before = (*context, *parent.hypothesis.token_ids)
        assert branch.inserted_token_ids == before[branch.kept :]
        assert parent.hypothesis.text.endswith(branch.inserted_text)
        first = app.playground.document.turns[-1].steps[0]
        assert (first.token.token_id, first.chosen_by) == (chosen.token_id, "person")

        await pilot.press("ctrl+z")
        assert app.playground.document.token_ids == (*context, *winner)


async def test_the_leading_beams_own_token_continues_it(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await searched(pilot, 2)
        await pilot.press("enter")
        await stopped(pilot)
        assert " forked at " in shown_document(pilot)
        assert " instead of " not in shown_document(pilot)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("s", "a beam search cannot be scrubbed"), ("w", "text cannot be typed into beams")],
)
async def test_keys_that_beams_have_no_use_for_say_so(app, key, sentence):
    async with app.run_test(size=(80, 24)) as pilot:
        await searched(pilot, 2)
        assert "go on with it" in shown(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert sentence in shown(pilot)
        await pilot.press("down")
        await pilot.pause()
        assert "go on with it" in shown(pilot)


async def test_arrows_cross_between_beams_and_tokens(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await searched(pilot, 5)
        await pilot.press("escape", "f1", "end", "enter")
        await stopped(pilot)
        await pilot.press("home", *["right"] * 5, "f9")
        await until(pilot, lambda: isinstance(app.screen, BeamsScreen))
        await pilot.press("right")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        await pilot.press("left")
        await until(pilot, lambda: isinstance(app.screen, BeamsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert app.playground.document.cursor == 5


async def test_the_next_change_of_lead_is_gone_to():
    app = make_app(TaleBackend(), preset="beam")
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        steps = app.playground.document.turns[0].steps
        changes = [one.index for one in steps if one.index and one.hypotheses[0].parent]
        assert changes, "the tale has a change of lead"
        await pilot.press("home", "f9")
        for change in (*changes, changes[0]):
            await pilot.press("n")
            assert app.playground.document.position == change
            assert "the lead changed" in shown(pilot)


async def test_why_it_goes_on_and_stops_and_what_else_could_win(app):
    async with app.run_test(size=(140, 50)) as pilot:
        await searched(pilot, 2)
        assert "goes on: 0 of 3 have ended" in shown(pilot)
        assert "✗ outscored by " in shown(pilot)
        assert "behind by " in shown(pilot)
        assert "the whole search" in shown(pilot)
        assert "greedy " in shown(pilot)
        assert "length_penalty" in shown(pilot)
        app.playground.cursor.look_at(10_000)
        app.screen.show()
        await pilot.pause()
        assert "over: " in shown(pilot)


@pytest.mark.parametrize(
    ("told", "rows"),
    [
        ({"early_stopping": True}, ["over: 2 of 2 have ended, early_stopping"]),
        (
            {},
            [
                "over: no beam can still win",
                "  the best may come to -9.00",
                "  the last that ended",
            ],
        ),
        (
            {"early_stopping": "never", "length_penalty": 4.0},
            ["goes on: a beam may still win", "  the best may come to 0.00", "  the last that"],
        ),
    ],
)
def test_a_search_of_whose_end_all_is_known(told, rows):
    candidate = Candidate(1, "a", -1.0, -1.0, 1)
    live = Hypothesis((1, 2), "ab", -18.0, -9.0, 0, candidate)
    ended = Hypothesis((3,), "c", -2.0, -2.0, 0, candidate)
    step = BeamStep(1, (live, live), (ended, ended), (), (), 0.1)
    settings = Settings(num_beams=2, **told)
    turn = Turn("", "", settings, started=Started((9,), (9,), 40, None, 0))
    told_rows = ["".join(text for text, _ in row) for row in standing_rows(turn, step)]
    assert len(told_rows) == len(rows)
    assert all(one.startswith(row) for one, row in zip(told_rows, rows, strict=True))


@pytest.mark.parametrize(
    ("size", "is_light"), [((80, 24), False), ((120, 40), False), ((120, 40), True)]
)
def test_picture(snap_compare, size, is_light):
    app = make_app(TaleBackend(), preset="beam")

    async def before(pilot):
        await run_to_end(pilot, "Once upon a time")
        if is_light:
            app.action_toggle_light()
        await pilot.press("home", "right", "right", "right", "f9")
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
    assert isinstance(app.playground.document.selected()[1], BeamStep)


def test_a_beam_of_half_a_character_is_shown():
    half = Hypothesis((1,), "", -1.0, -1.0, 0, Candidate(1, "\\xe4", -1.0, -1.0, 1))
    (row,) = parent_rows([ParentBeam(1, half, ())], 60)
    assert "".join(text for text, _ in row) == "beam 1  Σ -1.00  \\xe4"
