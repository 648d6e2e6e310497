"""A run is saved to a file from the app, whole, and over no other file."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from textual.widgets import Input, Static

from core.document.document import Document, Turn
from core.document.export.about import check_format
from core.document.export.files import NewFile
from core.playground.run_file import file_of_turn, free_name
from core.records.errors import PlaygroundError
from core.records.settings import Settings, settings_from_mapping
from core.records.steps import Finished, Started
from tests.tui.helpers import app_of, run_to_end, until
from tui.inputs.screen import InputScreen


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def notice(pilot):
    shown = app_of(pilot).playground.notices.current
    return shown.text if shown is not None else ""


async def save_as(pilot, name):
    await pilot.press("ctrl+s")
    await pilot.pause()
    pilot.app.screen.query_one(Input).value = name
    await pilot.press("enter")
    await pilot.pause()


async def test_a_run_is_saved_in_the_format_that_its_name_says(app, tmp_path):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        turn = app.playground.document.turns[-1]
        await save_as(pilot, "tale.jsonl")
        assert notice(pilot) == "saved as tale.jsonl"
        records = [json.loads(line) for line in (tmp_path / "tale.jsonl").open()]
        steps = [record for record in records if record["type"] == "step"]
        assert tuple(step["token"]["token_id"] for step in steps) == turn.token_ids
        assert records[0]["type"] == "started"
        assert (records[0]["prompt"], records[0]["model"], records[0]["preset"]) == (
            "Once upon a time",
            "demo",
            "greedy",
        )
        assert settings_from_mapping(records[0]["settings"]) == Settings(max_new_tokens=12)
        info = app.playground.model.info
        assert [records[0][name] for name in ("device", "dtype", "engine", "origin")] == [
            info.device,
            info.dtype,
            info.engine or None,
            info.origin or None,
        ]
        check_format(records[0])
        assert records[-1]["type"] == "finished"

        await save_as(pilot, "tale.txt")
        assert (tmp_path / "tale.txt").read_text() == f"Once upon a time{turn.text}\n"


async def test_a_name_is_offered_that_no_file_has_and_the_table_begins_with_the_prompt(
    app, tmp_path
):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        first = app.playground.document.text
        for name in ("run-1.md", "run-1-2.md"):
            await pilot.press("ctrl+s", "enter")
            await pilot.pause()
            assert notice(pilot) == f"saved as {name}"
            assert "\n## Prompt\n\n> Once upon a time\n" in (tmp_path / name).read_text()
        await run_to_end(pilot, "And then")
        await save_as(pilot, "second.md")
        begun = (tmp_path / "second.md").read_text().partition("## Steps")[0]
        assert first.split()[-1] in begun
        assert "And then" in begun


async def test_the_name_is_the_one_of_the_tree(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        documents = app.playground.documents
        documents.at_hand.turns[-1].key = "run 5"  # runs that were refused have been counted
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "run-1.md"
        title = str(pilot.app.screen.query_one("#input-box").border_title)
        assert title == "save this run as .md, .html, .svg, .jsonl, .csv, .txt"
        await pilot.press("escape")
        documents.tree.rename(1, "../the best/ever: é")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "the-best-ever-é.md"


def test_a_name_of_nothing_that_a_file_can_have():
    assert free_name("../..") == free_name("") == "run.md"
    assert free_name("a" * 500) == f"{'a' * 50}.md"


async def test_what_cannot_be_saved_is_told_and_asked_for_again(app, tmp_path):
    (tmp_path / "mine.md").write_text("precious")
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        for name, sentence in (
            ("mine.md", "'mine.md' is there already; give another name"),
            (
                "run.pdf",
                "'run.pdf' says no format; end its name in one of .md, .html, .svg, .jsonl, .csv",
            ),
            ("no/where.md", "'no/where.md' cannot be written: No such file or directory"),
        ):
            await save_as(pilot, name)
            assert isinstance(app.screen, InputScreen)
            refusal = app.screen.query_one("#input-refusal", Static)
            assert sentence in str(refusal.render())
            await pilot.press("escape")
        assert (tmp_path / "mine.md").read_text() == "precious"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.md"]


async def test_without_a_run_there_is_nothing_to_save(app):
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+s")
        assert not isinstance(app.screen, InputScreen)


async def test_a_disk_that_does_not_answer_leaves_the_app_to_go_on(app, tmp_path, monkeypatch):
    answers = threading.Event()
    write = NewFile.write
    monkeypatch.setattr(NewFile, "write", lambda file: answers.wait(9) and write(file))
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once upon a time")
        began = time.monotonic()
        await save_as(pilot, "tale.md")
        told = pilot.app.screen.query_one("#input-refusal", Static)
        assert "the disk has not answered yet" in str(told.render())
        await pilot.press("enter", "escape")
        assert notice(pilot) == "the disk has not taken the file yet"
        await save_as(pilot, "other.md")
        assert time.monotonic() - began < 9
        answers.set()
        await until(pilot, lambda: notice(pilot) == "saved as other.md")
    await asyncio.to_thread(lambda: [one.join() for one in _calls()])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.md", "tale.md"]


def _calls():
    return [one for one in threading.enumerate() if one.name == "background call"]


def test_a_run_that_goes_on_is_not_saved():
    turn = Turn("Once", "greedy", Settings())
    with pytest.raises(PlaygroundError, match="has not finished"):
        file_of_turn("run.md", Document([turn]), turn)


def test_of_a_run_that_wrote_nothing_the_file_has_what_stood_before_it(tmp_path):
    turns = [Turn(prompt, "greedy", Settings()) for prompt in ("Once", " upon", " a time")]
    for turn, text in zip(turns, (" far", "", " later"), strict=True):
        turn.started = Started((1,), (1,), 9, None, 0)
        turn.finished = Finished("cancelled", (), text, 0.0)
    saved = file_of_turn(str(tmp_path / "run.txt"), Document(turns), turns[1]).write()
    assert saved.read_text() == "Once far upon"
