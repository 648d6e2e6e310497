"""Opening: whatever the file is, what was whole is there, and nothing is overwritten."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.export.about import installed_version
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.sessions import opening
from core.sessions.aside import Mark
from core.sessions.entries import PromptSent
from core.sessions.header import (
    LaterVersionError,
    header_line,
    header_of,
    new_header,
)
from core.sessions.opening import open_session
from core.sessions.reading import read_contents
from core.sessions.to_json import FORMAT_VERSION
from tests.core.sessions.recorded import SAMPLE, Recorded, assert_same


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sessions" / "a.jsonl"


@pytest.fixture
def opened():
    sessions = []

    def open_one(path, **more):
        sessions.append(open_session(path, **more))
        return sessions[-1]

    yield open_one
    for one in sessions:
        one.close()


def worked(path, *, is_closed=True):
    """A session with two runs in the file at ``path``."""
    session = open_session(path)
    work = Recorded(session.record)
    work.send("Once upon")
    work.send("", SAMPLE)
    session.settled()
    if is_closed:
        assert session.close()
    return work


def beside(path):
    return sorted(one.name for one in path.parent.iterdir() if one != path)


def test_a_session_is_gone_on_with(path, opened):
    work = worked(path)
    for _ in range(2):
        session = opened(path)
        assert session.notes == ()
        assert_same(session.state, work.documents)
        work.record = session.record
        work.move("undo")
        session.close()
    assert_same(opened(path).state, work.documents)
    assert beside(path) == ["a.jsonl.opening"]


def test_what_is_only_looked_at_stays_as_it_was(path):
    worked(path)
    data = path.read_bytes()
    assert open_session(path).close()
    assert path.read_bytes() == data


def test_a_new_session_is_on_the_disk_with_its_name(path, opened, monkeypatch):
    synced, fsync = [], os.fsync

    def watched(handle):
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    session = opened(path)
    session.record(PromptSent("a"))
    assert session.journal.flush(10.0)
    assert {path.stat().st_ino, path.parent.stat().st_ino} <= set(synced)


def test_each_program_says_what_it_is(path):
    worked(path)
    session = open_session(path)
    assert session.state.programs[1].torch == installed_version("torch")
    session.record(PromptSent("more"))
    session.close()
    assert path.read_bytes().count(b'"type":"program"') == 2
    assert path.read_bytes().count(b'"format"') == 1


def test_it_is_for_its_owner_alone(path):
    worked(path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_one_in_which_nothing_was_done_is_not_kept(path):
    assert open_session(path).close()
    assert beside(path) == []
    assert not path.exists()
    worked(path)
    assert open_session(path).close()
    assert path.exists()


def test_cut_off_at_any_byte_all_before_is_there(tmp_path):
    path = tmp_path / "a.jsonl"
    work = Recorded()
    work.send("Once", Settings(max_new_tokens=1))
    work.move("undo")
    data = work.bytes()
    header = data.index(b"\n") + 1
    whole = [at + 1 for at in range(len(data)) if data[at : at + 1] == b"\n"]
    for size in range(header, len(data)):
        contents = read_contents(data[:size])
        assert contents.good == max(at for at in whole if at <= size)
        assert bool(contents.fault) == (size not in whole)
    for size in range(0, len(data), 149):
        path.write_bytes(data[:size])
        session = open_session(path)
        session.record(PromptSent("more"))
        assert session.close()
        assert read_contents(path.read_bytes()).state.prompts == ["more"]
        kept = b"".join(one.read_bytes() for one in tmp_path.iterdir() if one != path)
        assert data[:size].endswith(kept)
        assert bool(kept) == (size not in whole and size > 0)
        assert bool(session.notes) == bool(kept)
        for one in tmp_path.iterdir():
            one.unlink()


def test_a_torn_line_is_cut_off_and_kept(path, opened):
    work = worked(path)
    with path.open("ab") as file:
        file.write(b'{"type":"prompt","te')
    session = opened(path)
    assert_same(session.state, work.documents)
    (note,) = session.notes
    assert "its last line is not whole; the last 20 bytes" in note
    assert (path.parent / "a.jsonl.damaged-1").read_bytes() == b'{"type":"prompt","te'
    session.record(PromptSent("more"))
    session.close()
    assert read_contents(path.read_bytes()).state.prompts == ["more"]


def test_damage_in_the_middle_loses_no_byte(path, opened):
    worked(path)
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    damaged = b"".join([*lines[:4], b"\0" * 50 + b"\n", *lines[4:]])
    path.write_bytes(damaged)
    session = opened(path)
    assert "line 5 is damaged" in session.notes[0]
    assert len(session.state.tree.nodes) == 1
    session.close()
    kept = (path.parent / "a.jsonl.damaged-1").read_bytes()
    assert damaged == b"".join(lines[:4]) + kept
    assert path.read_bytes().startswith(b"".join(lines[:4]))


def test_a_run_that_was_interrupted_has_an_end_from_then_on(path, opened):
    session = open_session(path)
    work = Recorded(session.record)
    work.send("Once upon", until=2)
    session.close()
    assert read_contents(path.read_bytes()).interrupted is not None
    session = opened(path)
    (node,) = session.state.tree.nodes
    assert len(node.run.steps) == 2
    session.close()
    contents = read_contents(path.read_bytes())
    assert contents.interrupted is None
    assert contents.state.tree.nodes == (node,)


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"garbage",
        b"\0" * 5000,
        b"[1]\n",
        b'{"format":"another"}\n',
        b"x" * 200_000,
        b"{",
        header_line(new_header()).replace(b" session", b" diary"),
    ],
    ids=["empty line", "text", "zeros", "list", "other format", "long", "torn", "other program"],
)
def test_what_is_no_session_is_kept_and_never_overwritten(path, opened, content):
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(content)
        session = opened(path)
        kept = path.with_name(f"a.jsonl.unreadable-{number}")
        assert kept.read_bytes() == content
        assert kept.name in session.notes[0]
        session.record(PromptSent("new"))
        session.close()
        assert read_contents(path.read_bytes()).state.prompts == ["new"]


def of_version(data, version):
    """The bytes of a session as a program of another version would begin them."""
    own = ".".join(map(str, FORMAT_VERSION))
    return data.replace(
        f'"format_version":"{own}"'.encode(), f'"format_version":"{version}"'.encode(), 1
    )


def test_a_later_version_is_kept_and_told(path, opened):
    worked(path)
    data = of_version(path.read_bytes(), "2.0")
    path.write_bytes(data)
    with pytest.raises(LaterVersionError):
        header_of(data.split(b"\n")[0])
    session = opened(path)
    assert "format 2.0, a later one; it is kept as 'a.jsonl.later-1'" in session.notes[0]
    assert path.with_name("a.jsonl.later-1").read_bytes() == data


@pytest.mark.parametrize("place", ["header", "program"])
def test_a_later_minor_version_is_looked_at_and_not_written(path, opened, place):
    """Also where one of an older version was gone on with by a newer program."""
    work = worked(path)
    head, rest = path.read_bytes().split(b"\n", 1)
    if place == "header":
        data = of_version(head, "1.7") + b"\n" + rest
    else:
        data = head + b"\n" + of_version(rest, "1.7")
    assert data != head + b"\n" + rest
    data += b'{"type":"something new"}\n{"type":"prompt","text":"old"}\n'
    path.write_bytes(data)
    session = opened(path)
    assert_same(session.state, work.documents)
    assert session.state.prompts == ["old"]
    assert not session.is_saved
    assert f"{str(path)!r} is open to look at" in session.notes[0]
    assert session.notes[0].endswith(": a newer program has written it")
    session.record(PromptSent("lost"))
    session.close()
    assert path.read_bytes() == data
    assert beside(path) == []


def test_a_file_that_ended_the_program_is_not_read_again(path, opened, monkeypatch):
    worked(path)
    data = path.read_bytes()

    def crash(data):
        raise MemoryError

    monkeypatch.setattr(opening, "read_contents", crash)
    with pytest.raises(MemoryError):
        open_session(path)
    monkeypatch.undo()
    session = opened(path)
    assert "ended the program while it was opened" in session.notes[0]
    assert path.with_name("a.jsonl.crashed-1").read_bytes() == data
    assert session.state.tree.nodes == ()
    session.record(PromptSent("new"))
    session.close()
    assert opened(path).notes == ()


def test_one_that_was_shown_is_trusted(path, opened):
    worked(path)
    session = open_session(path)
    assert Mark(path).is_set
    session.settled()
    assert session.journal.flush(10.0)
    assert not Mark(path).is_set
    session.close()
    assert opened(path).notes == ()


def test_what_is_too_large_is_not_read(path, opened):
    worked(path)
    session = opened(path, largest=1000)
    assert "is too large; it is kept as 'a.jsonl.unreadable-1'" in session.notes[0]


def test_a_second_program_looks_on(path, opened):
    work = worked(path)
    first = opened(path)
    second = opened(path)
    assert first.is_saved
    assert not second.is_saved
    assert "another program has it open" in second.notes[0]
    assert_same(second.state, work.documents)
    second.record(PromptSent("lost"))
    assert second.close()
    assert Mark(path).is_set, "it is the first one's"
    first.close()
    assert read_contents(path.read_bytes()).state.prompts == []
    assert opened(path).is_saved


CHILD = """
    import sys, time
    from pathlib import Path
    from core.sessions.opening import open_session
    session = open_session(Path(sys.argv[1]))
    print(session.is_saved, *session.notes, flush=True)
    time.sleep(60)
"""


def test_the_lock_ends_with_its_program(path, opened):
    worked(path)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(path)], stdout=subprocess.PIPE
    )
    try:
        assert child.stdout.readline().startswith(b"True")
        assert "another program has it open" in opened(path).notes[0]
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    Mark(path).clear()  # it died before it had shown anything
    assert opened(path).is_saved


def read_only(*args):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_a_home_that_takes_nothing_is_told(path, opened, monkeypatch):
    work = worked(path)
    monkeypatch.setattr(opening, "open_alone", read_only)
    session = opened(path)
    assert_same(session.state, work.documents)
    assert "nothing new is saved in it: Read-only file system" in session.notes[0]
    session = opened(path.with_name("b.jsonl"))
    assert "nothing is saved in" in session.notes[0]
    session.record(PromptSent("in memory"))
    assert session.unsaved == "", "that is no loss"
    Recorded(session.record).send("Once")
    session.record(PromptSent("more"))
    assert session.unsaved == session.notes[0]
    session.settled()
    assert session.close()


def test_what_cannot_be_kept_is_not_cut_off(path, opened, monkeypatch):
    work = worked(path)
    with path.open("ab") as file:
        file.write(b"torn")
    data = path.read_bytes()
    monkeypatch.setattr(opening, "keep_bytes", read_only)
    session = opened(path)
    assert not session.is_saved
    assert_same(session.state, work.documents)
    assert path.read_bytes() == data
    assert beside(path) == []


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_told(path, kind):
    path.parent.mkdir()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(PlaygroundError, match=r"a\.jsonl"):
        open_session(path)


def test_a_file_of_two_names_is_looked_at(path, opened):
    work = worked(path)
    path.with_name("backup").hardlink_to(path)
    session = opened(path)
    assert_same(session.state, work.documents)
    assert not session.is_saved
    assert "another name too" in session.notes[0]


def test_a_link_is_followed_to_the_file(path, opened):
    work = worked(path)
    link = path.with_name("link")
    link.symlink_to(path)
    session = opened(link)
    assert session.path == path
    assert_same(session.state, work.documents)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.binary(max_size=30))
def test_any_damage_is_told_in_a_line(place, wrong):
    work = Recorded()
    work.send("Once\x1b[31m")
    data = work.bytes()
    at = place % len(data)
    damaged = data[:at] + wrong + data[at + len(wrong) :]
    try:
        contents = read_contents(damaged)
    except ValueError as error:
        told = str(error)
    else:
        told = contents.fault
        assert contents.good <= len(damaged)
    assert told.isprintable()


def test_a_header_says_what_it_is():
    header = new_header()
    assert header_of(header_line(header).strip()) == header
