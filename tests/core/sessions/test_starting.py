"""The session that a program begins with."""

from __future__ import annotations

import os
import re

import pytest

from core.records.errors import PlaygroundError
from core.sessions.folder import SessionsFolder
from core.sessions.starting import start_session
from tests.core.sessions.recorded import Recorded


@pytest.fixture
def folder(tmp_path):
    return SessionsFolder(tmp_path / "sessions")


def worked(session, prompt="Once upon"):
    Recorded(session.record).send(prompt)
    assert session.close()
    return session.path


def prompts(session):
    session.close()
    return [node.beginning.inserted_text for node in session.state.tree.nodes]


def test_the_one_left_last_goes_on_unless_a_new_one_is_wanted(folder):
    first = worked(start_session(folder))
    second = worked(start_session(folder, is_new=True), "Another")
    assert first != second
    assert prompts(start_session(folder)) == ["Another"]
    assert prompts(start_session(folder, first.stem)) == ["Once upon"]
    assert prompts(start_session(folder)) == ["Once upon"], "it was opened last"


def test_a_new_one_that_was_left_empty_leaves_the_one_before(folder):
    worked(start_session(folder))
    start_session(folder, is_new=True).close()
    assert prompts(start_session(folder)) == ["Once upon"]


def test_a_file_of_ones_own_begins_where_there_is_none(folder, tmp_path):
    path = tmp_path / "lessons" / "monday.jsonl"
    assert worked(start_session(folder, str(path))) == path
    assert prompts(start_session(folder, str(path))) == ["Once upon"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("my notes\n", "it is no session of this program"),
        ('{"format":"gpt2-playground session","format_version":"9.0"}\n', "a later one"),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(folder, tmp_path, text, why):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    (tmp_path / "link.jsonl").symlink_to(path)
    for called in (path, tmp_path / "link.jsonl"):
        with pytest.raises(PlaygroundError, match=f"cannot be opened: .*{why}"):
            start_session(folder, str(called))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.jsonl", "mine.jsonl"]
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pipe.jsonl", "'{}' is no plain file; give another name"),
        ("file/a/b.jsonl", "nothing is saved in '{}': '{}' is a file, and no folder"),
        ("folder.jsonl", "'{}' is a folder; give a file's name"),
        ("nul\0.jsonl", "no place for a session"),
        ("x" * 300 + ".jsonl", "File name too long"),
    ],
)
def test_a_name_that_can_be_no_session_is_told_in_a_sentence(folder, tmp_path, name, why):
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.jsonl").mkdir()
    path = tmp_path / name
    with pytest.raises(PlaygroundError, match=re.escape(why.format(path, tmp_path / "file"))):
        start_session(folder, str(path))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("called", "why"), [("", "is empty"), ("nobody", "there is no session")])
def test_what_is_no_session_is_told(folder, called, why):
    with pytest.raises(PlaygroundError, match=why):
        start_session(folder, called)


def test_a_folder_is_told(folder, tmp_path):
    with pytest.raises(PlaygroundError, match="is a folder"):
        start_session(folder, str(tmp_path))
