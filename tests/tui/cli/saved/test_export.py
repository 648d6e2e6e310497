"""``gpt2-playground export``: a saved run in, the same run in another format out."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

from core.document.export.page.page import page_of
from core.sessions.header import header_line, new_header
from tests.core.document.json_lines_schema import faults
from tests.core.sessions.test_restoring import afternoon
from tui.cli.saved.export import read_runs

SETTINGS = {
    "greedy": ("--preset", "greedy"),
    "nucleus": ("--preset", "nucleus", "--seed", "3"),
    "beam": ("--preset", "beam", "--set", "num_beams=3"),
}


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
    assert cli("export", str(file), "--format", "jsonl") == (0, file.read_text(), "")


def test_the_end_of_the_new_file_s_name_says_the_format(cli, file, tmp_path):
    page = tmp_path / "run.html"
    code, out, err = cli("export", str(file), "--output", str(page))
    assert (code, out, err) == (0, "", f"written to {page}\n")
    assert page.read_text() == page_of(read_runs(str(file)))
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


def line_of_header():
    return header_line(new_header())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Once upon a time", "is no run saved as JSON Lines, and no session; give one"),
        ("", "is no run saved as JSON Lines"),
        ('{"type": "text"}\n', "is no run saved as JSON Lines"),
        ("[1, 2]", "is no run saved as JSON Lines"),
        ("\x00\x01", "is no run saved as JSON Lines"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ('{"format": "gpt2-playground session", "format_version": "9.0"}\n', "9.0, a later one"),
        pytest.param(line_of_header(), "is a session without a run", id="no run"),
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


@pytest.mark.parametrize("output", [(), ("--output", "run.pdf")])
def test_without_a_format_there_is_none_to_guess(cli, file, output):
    code, _, err = cli("export", str(file), *output)

    assert code == 2
    assert "give --format, which is one of html, svg, markdown, csv, table, text, jsonl" in err


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told(cli, name):
    code, out, err = cli("export", name, "--format", "csv")

    assert (code, out) == (2, "")
    assert repr(name) in err


@pytest.fixture
def session(tmp_path):
    file = tmp_path / "session.jsonl"
    file.write_bytes(afternoon().bytes())
    return file


def test_a_session_is_one_page_of_all_its_runs(cli, session):
    code, out, err = cli("export", str(session), "--format", "html")
    names = [one.name for one in read_runs(str(session))]

    assert (code, err) == (0, "")
    assert out.count("<article") == len(names) > 9
    assert all(f"{name} · a preset" in out for name in names)
    assert "the second" in names
    code, out, _ = cli("export", str(session), "--format", "markdown")
    assert (code, out.count("## Steps")) == (0, len(names))


def test_a_run_of_a_session_is_chosen_by_its_name(cli, session, file):
    code, out, _ = cli("export", str(session), "--run", "the second", "--format", "jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, lines[-1]["text"]) == (0, read_runs(str(session))[1].finished.text)
    assert [fault for line in lines for fault in faults(line)] == []
    code, _, err = cli("export", str(file), "--run", "x", "--format", "csv")
    assert (code, "no run 'x'; it holds one, without a name" in err) == (2, True)
    code, _, err = cli("export", str(session), "--format", "csv")
    assert code == 2
    assert "runs, and csv holds one; choose it with --run: run 1, the second, run 3" in err
    code, _, err = cli("export", str(session), "--run", "no", "--format", "csv")
    assert (code, "there is no run 'no'; there are run 1, the second" in err) == (2, True)


def test_of_a_session_that_was_cut_off_comes_what_is_whole(cli, session):
    session.write_bytes(session.read_bytes()[:-30])
    code, out, err = cli("export", str(session), "--format", "html")

    assert (code, "<article" in out) == (0, True)
    assert "comes what stands before this: line" in err
