"""A session by its name, its number, its file: never a wrong one."""

from __future__ import annotations

import os

import pytest

from core.records.errors import PlaygroundError
from core.sessions.finding import find_session, is_path
from core.sessions.folder import SessionsFolder
from core.sessions.opening import open_session
from tests.core.sessions.recorded import Recorded


@pytest.fixture
def folder(tmp_path):
    return SessionsFolder(tmp_path / "sessions")


def kept(folder, name="", path=None):
    session = open_session(path or folder.new_path())
    Recorded(session.record).send("Once upon")
    assert session.close()
    if name:
        folder.name(session.path, name)
    return session.path


def test_by_name_number_and_file(folder, tmp_path):
    first, second = kept(folder, "The dragon"), kept(folder, "1")
    os.utime(first, (1, 1))
    elsewhere = kept(folder, path=tmp_path / "lesson.jsonl")
    found = {
        called: find_session(folder, called).path
        for called in (
            *("The dragon", "the DRAGON", "2", "1"),
            *(first.name, first.stem, str(first), str(elsewhere)),
        )
    }
    assert found.pop("1") == second, "a name comes before a number"
    assert found.pop(str(elsewhere)) == elsewhere
    assert set(found.values()) == {first}


@pytest.mark.parametrize("called", ["3", "0", "-1", "", "²", "nobody", "nowhere.jsonl", "~x/y"])
def test_what_there_is_not(folder, called):
    kept(folder)
    with pytest.raises(PlaygroundError, match="there is no session"):
        find_session(folder, called)


@pytest.mark.parametrize(
    ("called", "is_file"),
    [("a.jsonl", True), ("~", True), (f"a{os.sep}b", True), ("a dragon", False), ("1", False)],
)
def test_what_is_called_like_a_file_is_one(called, is_file):
    assert is_path(called) is is_file


def test_two_of_one_name_are_told_apart_by_their_files(folder):
    paths = [kept(folder, "story"), kept(folder, "story")]
    with pytest.raises(PlaygroundError, match="2 sessions are called 'story'") as error:
        find_session(folder, "story")
    assert all(path.name in str(error.value) for path in paths)
