"""What the commands write as JSON Lines follows the published schema, line by line."""

from __future__ import annotations

import json

import pytest

from tests.core.document.json_lines_schema import SCHEMA, faults
from tui.cli.commands import run

MODEL = ("--model", "demo", "--device", "cpu", "--format", "jsonl")


@pytest.fixture
def lines(capfd):
    def lines(*arguments):
        assert run((*arguments, *MODEL)) == 0
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return lines


@pytest.mark.parametrize("preset", ["greedy", "nucleus", "beam"])
def test_generate(lines, preset):
    found = lines("generate", "Once upon", "--preset", preset, "--steps", "3")

    assert [fault for one in found for fault in faults(one)] == []
    assert found[0]["preset"] == preset


@pytest.mark.parametrize("text", ["A long time ago there was a cat.", "Ago", "Qxz \x1b[2J 日本"])
def test_score(lines, tmp_path, text):
    file = tmp_path / "text.txt"
    file.write_text(text)
    found = lines("score", str(file))

    assert [fault for one in found for fault in faults(one)] == []
    assert {one["type"] for one in found} <= {"token", "preset", "text"} <= set(SCHEMA["$defs"])
    assert found[-1]["type"] == "text"
