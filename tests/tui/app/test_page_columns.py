"""What stands in columns: under its heading, as wide as there is room, never into one another."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.backends.scripted import ScriptedBackend
from core.records.steps import Candidate
from tests.tui.helpers import app_of, make_app, ready, run_to_end, until
from tests.tui.scrub.test_scrub import Opened
from tui.help.screen import HelpScreen, HelpText
from tui.why.token_rows import candidate, candidate_head


@pytest.mark.parametrize("width", [34, 47, 48, 61, 62, 90, 150])
def test_a_candidates_figures_stand_under_their_headings(width):
    one = Candidate(5, " far", -0.5, -0.25, 1)
    row = "".join(text for text, _ in candidate(one, ["F1"], width, is_chosen=True))
    head = candidate_head(width)
    assert cell_len(row) <= width
    assert head.index("token") == row.index("·far")
    assert head.index("raw") + 3 == row.index("%") + 1
    assert head.index("final") + 5 == row.rindex("%") + 1
    assert head.index("presets") == row.index("F1")


def test_a_wide_page_has_wide_bars():
    one = Candidate(5, " far", -0.01, -0.01, 1)
    rows = ["".join(text for text, _ in candidate(one, [], w, is_chosen=True)) for w in (80, 150)]
    assert rows[1].count("█") > 3 * rows[0].count("█")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_scrub_page_reaches_the_right_edge(size):
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=size) as pilot:
        await opened.open(pilot)
        assert opened.screen.query_one("#scrub-side").region.right == size[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_in_the_help_a_name_never_runs_into_its_meaning(size):
    names = ["a" * length for length in range(1, 40)] + ["世界" * 9]
    sections = [("Names", [(name, "MEANING") for name in names])]
    async with make_app(ScriptedBackend()).run_test(size=size) as pilot:
        await ready(pilot)
        await app_of(pilot).push_screen(HelpScreen("help", sections))
        told = str(app_of(pilot).screen.query_one(HelpText).content)
        assert told.count("MEANING") == len(names)
        assert all(
            line.split("MEANING")[0].endswith("  ")
            for line in told.splitlines()
            if "MEANING" in line
        )


async def test_a_high_and_wide_screen_shows_more_candidates_which_can_be_taken(app):
    """With those of the record first, and the rest what is left beside all of them."""
    async with app.run_test(size=(200, 60)) as pilot:
        await run_to_end(pilot, "Once")
        five = app.playground.document.selected()[1].distribution.candidates
        height = app.main.query_one("#step-table").size.height
        many = app.playground.lookup.weighed(height - 3)
        assert many[:5] == five
        assert len(many) == height - 3 > 15
        assert [one.rank for one in many] == list(range(1, len(many) + 1))
        rows = app.main.query_one("#step-table").plain.splitlines()
        assert sum("%" in row for row in rows[1:]) == len(many) + 1
        place = app.main.query_one("#step-table").region.offset
        await pilot.click(offset=(place.x + 3, place.y + 12))
        await until(pilot, lambda: len(app.playground.documents.tree.nodes) == 2)
        chosen = app.playground.document.turns[-1].token_ids
        assert many[11].token_id in chosen or many[11].token_id in app.playground.document.token_ids
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(app.main.query_one("#step-table").plain.splitlines()) == 8
