"""A branch, all runs and a comparison are exported from the app, by one dialog."""

from __future__ import annotations

import json

import pytest
from textual.widgets import Input, Static

from core.sessions.saved import read_saved
from tests.tui.helpers import run_to_end
from tui.inputs.screen import InputScreen


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


async def grow(pilot):
    """Two runs on one branch, and one on another."""
    await run_to_end(pilot, "Once upon a time")
    await run_to_end(pilot, " and then")
    await pilot.press("ctrl+l")
    await run_to_end(pilot, "Another")


def title(pilot):
    return str(pilot.app.screen.query_one("#input-box").border_title).partition(" as ")[0]


async def named(pilot, name, *tabs):
    await pilot.pause()
    await pilot.press(*tabs)
    pilot.app.screen.query_one(Input).value = name
    await pilot.press("enter")
    await pilot.pause()


async def test_tab_goes_from_the_run_to_its_branch_and_to_all(app, tmp_path):
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot)
        await pilot.press("ctrl+z")
        await pilot.pause()
        await pilot.press("ctrl+z")
        await pilot.pause()
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert title(pilot) == "save this run"
        await pilot.press("tab")
        assert title(pilot) == "save the branch of 2 runs"
        await pilot.press("tab")
        assert title(pilot) == "save all 3 runs"
        await pilot.press("tab")
        assert title(pilot) == "save this run"
        await named(pilot, "all.html", "tab", "tab")
        assert (tmp_path / "all.html").read_text().count("<article") == 3
        assert app.playground.notices.current.text == "saved as all.html"


async def test_a_format_that_holds_one_run_says_so(app, tmp_path):
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot)
        await pilot.press("ctrl+s")
        await named(pilot, "all.csv", "tab")
        assert isinstance(app.screen, InputScreen)
        refusal = app.screen.query_one("#input-refusal", Static)
        assert "there are 3 runs, and csv holds one; html" in str(refusal.render())
        assert list(tmp_path.iterdir()) == []
        await pilot.press("tab")
        assert not refusal.display
        await pilot.press("enter")
        await pilot.pause()
        assert (tmp_path / "all.csv").exists()


async def test_the_tree_exports_the_picked_run_s_branch(app, tmp_path):
    async with app.run_test(size=(120, 40)) as pilot:
        await grow(pilot)
        await pilot.press("ctrl+b")
        await pilot.pause(0.2)
        await pilot.press("home", "down", "down", "k")
        await pilot.pause()
        assert title(pilot) == "save the branch of 2 runs"
        await named(pilot, "branch.jsonl")
        saved = read_saved((tmp_path / "branch.jsonl").read_text(), "it")
        tree, documents = saved.contents.state.tree, app.playground.documents
        assert [tree.document(one) for one in (1, 2)] == [
            documents.tree.document(one) for one in (1, 2)
        ]
        assert [run.steps for run in saved.runs] == [
            run.steps for run in documents.exported((1, 2))
        ]
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert title(pilot) == "save the branch of 2 runs"
        await named(pilot, "one.jsonl", "tab")
        first = json.loads((tmp_path / "one.jsonl").open().readline())
        assert (first["type"], first["format"]) == ("started", "gpt2-playground")
        await pilot.press("ctrl+s")
        await named(pilot, "all.md", "tab", "tab")
        assert (tmp_path / "all.md").read_text().count("## Steps") == 3


async def test_a_comparison_exports_its_two_runs(app, tmp_path):
    async with app.run_test(size=(120, 40)) as pilot:
        await grow(pilot)
        await pilot.press("ctrl+b")
        await pilot.pause(0.2)
        await pilot.press("home", "down", "m", "down", "down", "c")
        await pilot.pause(0.2)
        await pilot.press("k")
        await pilot.pause()
        assert title(pilot) == "save the two runs"
        await named(pilot, "two.html")
        text = (tmp_path / "two.html").read_text()
        assert text.count("<article") == 2
        assert "run 1 · greedy" in text
        assert "run 3 · greedy" in text
