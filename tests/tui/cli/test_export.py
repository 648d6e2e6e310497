"""``gpt2-playground export``: a saved run in, the same run in another format out."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

from core.document.export.page.page import page_of
from tui.cli.commands import run
from tui.cli.export import read_run

SETTINGS = {
    "greedy": ("--preset", "greedy"),
    "nucleus": ("--preset", "nucleus", "--seed", "3"),
    "beam": ("--preset", "beam", "--set", "num_beams=3"),
}


@pytest.fixture
def cli(capfd):
    def cli(*arguments):
        code = run(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return cli


@pytest.fixture
def written(cli):
    """What ``generate`` writes in one format."""

    def written(name, settings):
        chosen = ("--model", "demo", "--device", "cpu", "--steps", "6", *SETTINGS[settings])
        return cli("generate", "Größe: once", *chosen, "--format", name)[1]

    return written


@pytest.fixture
def file(written, tmp_path):
    file = tmp_path / "run.jsonl"
    file.write_text(written("jsonl", "greedy"))
    return file


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_format_is_what_generate_would_have_written(cli, written, tmp_path, settings):
    file = tmp_path / "run.jsonl"
    file.write_text(written("jsonl", settings))
    for name in ("html", "markdown", "csv", "table", "text"):
        assert cli("export", str(file), "--format", name) == (0, written(name, settings), "")


def test_the_end_of_the_new_file_s_name_says_the_format(cli, file, tmp_path):
    page = tmp_path / "run.html"
    code, out, err = cli("export", str(file), "--output", str(page))
    assert (code, out, err) == (0, "", f"written to {page}\n")
    assert page.read_text() == page_of([read_run(str(file))])
    code, out, err = cli("export", str(file), "--output", str(page))
    assert (code, out) == (2, "")
    assert f"{str(page)!r} is there already; give another name" in err
    other = tmp_path / "table.dat"
    assert cli("export", str(file), "--format", "csv", "--output", str(other))[0] == 0
    assert len(list(csv.DictReader(io.StringIO(other.read_text()), strict=True))) == 6


def test_standard_input(cli, file, monkeypatch):
    data = io.BytesIO(file.read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data, encoding="utf-8"))
    code, out, _ = cli("export", "-", "--format", "text")
    finished = json.loads(file.read_text().splitlines()[-1])
    assert (code, out) == (0, finished["text"] + "\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Once upon a time", "is no run saved as JSON Lines; give one that"),
        ("", "is no run saved as JSON Lines"),
        ('{"type": "text"}\n', "is no run saved as JSON Lines"),
        ("[1, 2]", "is no run saved as JSON Lines"),
        ("\x00\x01", "is no run saved as JSON Lines"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ('{"type": "started"}\n', "there is no whole one in it: in line 1 'context_token_ids'"),
        ('{"type": "started", "format_version": "2.0"}\n', "none later than"),
        ('{"type": "started", "format": "other"}\n', "this is no file of gpt2-playground"),
    ],
)
def test_what_is_no_saved_run_is_told(cli, tmp_path, content, sentence):
    file = tmp_path / "other.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    target = tmp_path / "page.html"
    code, out, err = cli("export", str(file), "--output", str(target))

    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not target.exists()


def test_a_run_that_was_cut_off_is_told_by_its_line(cli, file):
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    code, _, err = cli("export", str(file), "--format", "csv")
    assert (code, "its end is missing" in err) == (2, True)
    file.write_text("".join([lines[0], lines[1].replace('"rank": 1', '"rank": []'), *lines[2:]]))
    code, _, err = cli("export", str(file), "--format", "csv")
    assert (code, "in line 2 'rank' is of another kind" in err) == (2, True)


@pytest.mark.parametrize("output", [(), ("--output", "run.pdf"), ("--output", "run.jsonl")])
def test_without_a_format_there_is_none_to_guess(cli, file, output):
    code, _, err = cli("export", str(file), *output)

    assert code == 2
    assert "give --format, which is one of html, markdown, csv, table, text" in err


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told(cli, name):
    code, out, err = cli("export", name, "--format", "csv")

    assert (code, out) == (2, "")
    assert repr(name) in err
