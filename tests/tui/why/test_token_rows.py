"""The rows of one explained step, and the screen at the sizes at which it is read."""

from __future__ import annotations

import pytest

from core.records.steps import Candidate
from tests.tui.helpers import app_of, ready, run_to_end, shown_document, until
from tui.why.token_rows import candidate, found, key_ranges

CUT = Candidate(7, "[b]\x1b", -5.0, None, 12, "top_p")
LEFT = Candidate(8, " cat", -0.5, -0.4, 1)


def text(row):
    return "".join(part for part, _ in row)


def test_a_candidate_tells_what_cut_it_and_who_would_pick_it():
    assert text(candidate(CUT, [], 80, is_chosen=False)).split()[-1] == "top_p"
    shown = text(candidate(LEFT, ["F1", "F3", "F4"], 80, is_chosen=True))
    assert shown.split() == ["1", "▸", "·cat", "██████▋", "60.7%", "67.0%", "F1", "F3", "F4"]
    narrow = text(candidate(LEFT, ["F1", "F3", "F4"], 40, is_chosen=True))
    assert narrow.endswith(" F1 F3 F4")
    assert len(narrow) <= 46


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["F1", "F2"], "F1 F2"),
        (["F1", "F3", "F4", "F5", "F8"], "F1 F3–F5 F8"),
        (["F2", "⇧F3", "F3", "^G", "mine"], "F2 ⇧F3 F3 ^G mine"),
        (["F7", "F8", "F9", "F12"], "F7–F9 F12"),
    ],
)
def test_keys_in_a_row_are_told_as_a_range(keys, told):
    assert key_ranges(keys) == told


def test_harmful_tokens_are_spelled_out():
    assert "[b]\\x1b" in text(candidate(CUT, [], 80, is_chosen=False))
    assert "cut by top_p" in "".join(map(text, found([(CUT, 1)])))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_no_candidate_takes_two_lines(app, size):
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "Once upon a time")
        assert shown_document(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: bool(app.screen.query("#why-candidates")))
        options = app_of(pilot).screen.query_one("#why-candidates")
        await until(pilot, lambda: options.option_count == 200)
        assert options.virtual_size.height == 200
