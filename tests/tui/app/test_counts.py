"""A step has one number, and a text one count of tokens, wherever they are told."""

from __future__ import annotations

import re

import pytest

from tests.tui.helpers import app_of, panel, ready, run_to_end, status, stopped, until
from tests.tui.screen_app import shown
from tui.tree.screen import TreeScreen

SIZE = (120, 40)


def told(pilot):
    """The number of the selected step, and of how many, as the page that explains it has them."""
    title = app_of(pilot).screen.query_one("#why-title").plain
    return re.search(r"step ([\d,]+) of ([\d,]+)", title).groups()


@pytest.mark.parametrize("preset", ["f1", "f2", "f3"])
async def test_the_panel_the_page_and_the_tree_count_alike(app, preset):
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon a time")
        await pilot.press(preset)
        await run_to_end(pilot, "And then the old king")
        turn = app.playground.document.turns[1]
        await pilot.press("end", "left", "left", "left")
        in_panel = re.search(r"step ([\d,]+) of ([\d,]+)", panel(pilot)).groups()
        assert in_panel == (str(len(turn.steps) - 3), str(len(turn.steps)))
        await pilot.press("f9")
        await pilot.pause(0.2)
        assert told(pilot) == in_panel
        assert "of run 2" in app.screen.query_one("#why-title").plain
        await pilot.press("down", "enter")
        await stopped(pilot)
        await pilot.press("ctrl+b")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await pilot.pause()
        assert f"fork {in_panel[0]} " in shown(pilot)
        assert f"leaves run 2 at step {in_panel[0]}" in shown(pilot)


@pytest.mark.parametrize("preset", ["f1", "f2", "f3"])
async def test_the_status_counts_the_tokens_that_the_panel_counts_as_steps(app, preset):
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        for prompt in ("Once upon a time", "And then"):
            await pilot.press(preset)
            await run_to_end(pilot, prompt)
            turn = app.playground.document.turns[-1]
            tokens, steps = len(turn.token_ids), len(turn.steps)
            assert f"step {steps} of {steps}" in panel(pilot)
            expected = f"{tokens} tokens" + (f" in {steps} steps" if steps != tokens else " ·")
            assert expected in status(pilot)


def test_the_command_line_and_the_app_number_a_scored_texts_tokens_alike():
    from core.backends.scripted import ScriptedBackend
    from core.backends.scripted_scores import scripted_score
    from tests.tui.helpers import BOOK
    from tui.cli.score.table import table_lines
    from tui.score.rows import summary_row, token_row

    tokens = ScriptedBackend().prompt_tokens("I sat as a grey cat", is_beginning=True)
    scored = scripted_score(tokens, BOOK.presets)
    table = "".join(table_lines(scored))
    left = re.search(r"greedy leaves it at token (\d+)", table).group(1)
    told_by_app = "".join(text for text, _ in summary_row(scored, 200))
    assert f"greedy leaves at {left}:" in told_by_app
    for step, row in enumerate(table.splitlines()[1 : 1 + len(scored.tokens)]):
        number = row.split()[0]
        assert "".join(text for text, _ in token_row(scored, step, 200)).startswith(
            f"token {number} "
        )


async def test_more_candidates_than_are_told_go_on_where_those_end(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "A long long time ago")
        await pilot.press("home", "right")
        told = app.playground.document.selected()[1].distribution.candidates
        weighed = app.playground.lookup.weighed(12)
        assert weighed[: len(told)] == told
        assert len({one.token_id for one in weighed}) == 12
        logprobs = [one.logprob for one in weighed]
        assert logprobs == sorted(logprobs, reverse=True)
        assert app.playground.lookup.weighed(3) == told
        app.playground.documents.store.forget(app.playground.document.turns[0].key)
        assert app.playground.lookup.weighed(12) == told
