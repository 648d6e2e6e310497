"""The folder of sessions: listed fast and truly, named, deleted, and the last one found again."""

from __future__ import annotations

import os
import time

import pytest

from core.document.tree_records import LONGEST_NAME
from core.records.errors import PlaygroundError
from core.sessions.entries import ModelReady, PromptSent
from core.sessions.folder import SessionsFolder, sessions_folder
from core.sessions.opening import open_session
from tests.core.sessions.recorded import INFO, OTHER, Recorded


@pytest.fixture
def folder(tmp_path):
    return SessionsFolder(tmp_path / "sessions")


def worked(folder, prompt="Once upon", more=0):
    """A finished session; return its path."""
    session = open_session(folder.new_path())
    work = Recorded(session.record)
    work.send(prompt)
    for number in range(more):
        session.record(PromptSent(f"{number} " + "x" * 1000))
    assert session.close()
    return session.path


def test_it_lies_where_data_of_users_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert sessions_folder().name == "sessions"
    assert SessionsFolder().folder == sessions_folder()


def test_there_may_be_none(folder):
    assert folder.listed() == []
    assert folder.last() is None


@pytest.mark.parametrize("more", [0, 300])
def test_a_list_tells_what_a_session_was(folder, more):
    path = worked(folder, "  A long long\ntime ago", more)
    (one,) = folder.listed()
    assert (one.path, one.fault) == (path, "")
    assert one.size == path.stat().st_size
    assert (one.size > 200_000) == bool(more)
    assert one.header.created.startswith("20")
    assert one.summary.first_words == "A long long\ntime ago"
    assert (one.summary.model_name, one.summary.runs, one.summary.name) == (INFO.name, 1, "")


def test_the_model_is_the_last_one(folder):
    session = open_session(folder.new_path())
    work = Recorded(session.record)
    work.send("Once")
    session.record(ModelReady(OTHER))
    session.close()
    assert folder.listed()[0].summary.model_name == OTHER.name


def test_the_one_written_last_comes_first(folder):
    paths = [worked(folder, str(number)) for number in range(3)]
    for path, changed in zip(paths, (30, 10, 20), strict=True):
        os.utime(path, (changed, changed))
    assert [one.path for one in folder.listed()] == [paths[0], paths[2], paths[1]]


def test_what_is_empty_or_no_session_is_told_or_left_out(folder):
    path = worked(folder)
    empty = open_session(folder.new_path())
    (folder.folder / "bad.jsonl").write_bytes(b"\x1b]0;bad")
    (folder.folder / "notes.txt").write_text("mine")
    (folder.folder / "deep.jsonl").mkdir()
    os.mkfifo(folder.folder / "pipe.jsonl")
    listed = {one.path: one for one in folder.listed()}
    assert set(listed) == {path, folder.folder / "bad.jsonl"}
    assert listed[folder.folder / "bad.jsonl"].fault.isprintable()
    assert listed[folder.folder / "bad.jsonl"].fault
    empty.close()


def test_two_hundred_are_listed_at_once(folder):
    path = worked(folder, more=150)
    data = path.read_bytes()
    for number in range(200):
        (folder.folder / f"{number}.jsonl").write_bytes(data)
    began = time.process_time()
    assert len(folder.listed()) == 201
    assert time.process_time() - began < 1.0


def test_a_session_has_a_name(folder):
    path = worked(folder, more=100)
    folder.name(path, " an afternoon ")
    assert folder.listed()[0].summary.name == "an afternoon"
    session = open_session(path)
    assert session.state.name == "an afternoon"
    for number in range(200):
        session.record(PromptSent(f"{number} " + "x" * 1000))
    session.close()
    assert folder.listed()[0].summary.name == "an afternoon", "it stands at the end once more"
    folder.name(path, "")
    assert folder.listed()[0].summary.name == ""


@pytest.mark.parametrize("name", ["x" * (LONGEST_NAME + 1), "a\nb", "\x1b[31m", "\u202ea"])
def test_a_name_is_a_line(folder, name):
    path = worked(folder)
    before = path.read_bytes()
    with pytest.raises(PlaygroundError, match="a name is one line"):
        folder.name(path, name)
    assert path.read_bytes() == before


def test_what_is_open_is_neither_named_nor_deleted(folder):
    path = worked(folder)
    session = open_session(path)
    with pytest.raises(PlaygroundError, match="another program has it open"):
        folder.name(path, "mine")
    with pytest.raises(PlaygroundError, match="another program"):
        folder.delete(path)
    session.close()
    folder.delete(path)
    assert folder.listed() == []
    with pytest.raises(PlaygroundError, match="there is no session"):
        folder.delete(path)


def test_the_last_one_is_found_whatever_the_clock_says(folder):
    first, second = worked(folder, "1"), worked(folder, "2")
    os.utime(second, (10, 10))
    assert folder.last() == first
    folder.remember(second)
    assert folder.last() == second
    folder.delete(second)
    assert folder.last() == first


def test_a_new_one_that_was_left_empty_was_not_left_last(folder):
    first, second = worked(folder, "1"), worked(folder, "2")
    os.utime(second, (10, 10))
    folder.remember(second)
    new = open_session(folder.new_path())
    folder.remember(new.path)
    assert folder.last() == second
    new.close()
    assert folder.last() == second
    folder.remember(first)
    assert folder.last() == first


@pytest.mark.parametrize(
    "said", ["../../etc/passwd", "/etc/passwd", "x" * 400, "", "\0", "no.jsonl"]
)
def test_the_last_one_lies_in_the_folder(folder, said):
    path = worked(folder)
    (folder.folder / "last").write_text(said)
    assert folder.last() == path


def test_a_session_elsewhere_is_not_the_last_one(folder, tmp_path):
    path = worked(folder)
    other = open_session(tmp_path / "other.jsonl")
    folder.remember(other.path)
    other.close()
    assert folder.last() == path


@pytest.mark.parametrize("text", ["notes of mine\n", '{"format": "other"}\n', ""])
def test_a_file_that_is_no_session_is_not_named(tmp_path, text):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)

    with pytest.raises(PlaygroundError, match="cannot be named"):
        SessionsFolder(tmp_path).name(path, "a name")

    assert [one.name for one in tmp_path.iterdir()] == ["mine.jsonl"]
    assert path.read_text() == text
