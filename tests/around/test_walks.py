"""CONTRIBUTING's walk to a new source of steps: its own text, through library, program and app."""

from __future__ import annotations

import json
import re

import pytest

from core import Model, PlaygroundError, generate, read_run, save_run, score
from core.records.settings import Settings
from tests.places import REPOSITORY
from tests.tui.helpers import BOOK, until
from tui.app.playground import PlaygroundApp
from tui.cli import generate as headless
from tui.cli.commands import run

CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def alphabet():
    (source,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING, re.DOTALL)
    names = {}
    exec(compile(source, "CONTRIBUTING.md", "exec"), names)  # noqa: S102
    return names["Alphabet"]


def test_the_library_generates_saves_and_reads_with_it(alphabet, tmp_path):
    model = Model(alphabet())
    steps = generate(model, "", Settings(max_new_tokens=3))
    assert steps.text == "abc"
    assert [one.cut_by for one in steps.steps[0].distribution.candidates] == [None, *["top_k"] * 4]
    assert read_run(save_run(tmp_path / "run.jsonl", steps)).steps == steps.steps
    endless = generate(model, "")
    next(iter(endless))
    endless.close()
    assert (endless.text, endless.finished.reason) == ("a", "cancelled")
    with pytest.raises(PlaygroundError, match="no opinion"):
        score(model, steps)


def test_the_program_writes_what_it_says(alphabet, monkeypatch, capfd):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(headless, "make_backend", lambda choices, model: alphabet())
    assert run(["generate", "a", "--steps", "4", "--format", "jsonl"]) == 0
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (records[0]["model"], records[-1]["text"]) == ("alphabet", "abcd")


async def test_the_app_shows_it(alphabet):
    app = PlaygroundApp(lambda _name: alphabet(), BOOK)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.playground.model.info is not None)
        await pilot.press("a", "enter")
        await until(pilot, lambda: app.playground.document.text.endswith("xyz"))
        await pilot.press("left")
        assert app.playground.document.selected()[1].token.text == "y"


def test_the_walks_name_files_that_are_there():
    walks = CONTRIBUTING.partition("## Four walks")[2].partition("## Words")[0]
    for walk in walks.split("\n### ")[1:]:
        steps = re.findall(r"^\d\. `([^`]+)`(.*(?:\n   .*)*)", walk, re.MULTILINE)
        assert 1 < len(steps) <= 5
        for path, told in steps:
            at = REPOSITORY / path
            assert at.parent.is_dir() if "NAME" in path else at.is_file()
            for name in re.findall(r"`(\w+)`", told) if "NAME" not in path else ():
                assert name in at.read_text(encoding="utf-8"), (path, name)
    for path in re.findall(r"`((?:core|tui|tests)/[\w/.]+)`", CONTRIBUTING):
        assert "NAME" in path or (REPOSITORY / path).exists()


def test_the_picture_has_every_room():
    picture = CONTRIBUTING.partition("```\n")[2].partition("```")[0]
    for part in ("core", "tui"):
        rooms = {one.parent.name for one in (REPOSITORY / part).glob("*/__init__.py")}
        assert rooms <= set(re.findall(r"\w+", picture))
