"""The journal: what is told is on the disk soon, a fault is told once, and nobody waits."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time

import pytest

from core.files.lock import open_alone
from core.records.steps import Finished
from core.sessions import journal as journal_module
from core.sessions.appending import LARGEST_SESSION, LineFile
from core.sessions.entries import PromptSent, StepLookedAt
from core.sessions.header import header_line, new_header
from core.sessions.journal import Journal
from core.sessions.reading import read_contents
from core.sessions.summary import EVERY, Summary
from tests.core.sessions.recorded import Recorded, assert_same

PATIENCE = 10.0


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(header_line(new_header()))
    return path


@pytest.fixture
def opened(path):
    journals = []

    def open_one(largest=LARGEST_SESSION, interval=0.01):
        journals.append(Journal(LineFile(open_alone(path), largest), Summary(), interval))
        return journals[-1]

    yield open_one
    for one in journals:
        one.close(PATIENCE)


def prompts(path):
    return read_contents(path.read_bytes()).state.prompts


def test_what_is_told_is_written_in_order(path, opened):
    journal = opened()
    work = Recorded(journal.write)
    work.send("Once upon")
    work.fork(1, 1)
    assert journal.flush(PATIENCE)
    assert_same(read_contents(path.read_bytes()).state, work.documents)
    work.move("undo")
    assert journal.close(PATIENCE)
    assert_same(read_contents(path.read_bytes()).state, work.documents)


def test_it_is_written_without_being_asked(path, opened):
    journal = opened(interval=0.05)
    journal.write(PromptSent("a"))
    until = time.monotonic() + PATIENCE
    while not prompts(path) and time.monotonic() < until:
        time.sleep(0.01)
    assert prompts(path) == ["a"]
    assert journal_module.INTERVAL < 1, "each second, at least, all is on the disk"


def test_the_end_of_a_run_does_not_wait(path, opened):
    journal = opened(interval=60.0)
    work = Recorded(journal.write)
    work.send("Once upon")
    until = time.monotonic() + PATIENCE
    while not read_contents(path.read_bytes()).state.tree.nodes and time.monotonic() < until:
        time.sleep(0.01)
    assert_same(read_contents(path.read_bytes()).state, work.documents)


def test_it_is_on_the_disk_and_not_only_written(path, opened, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(path.stat().st_size))
    journal = opened()
    journal.write(PromptSent("a"))
    assert journal.flush(PATIENCE)
    assert synced[-1] == path.stat().st_size


def test_of_a_cursor_that_runs_only_where_it_stops_is_kept(path, opened):
    journal = opened(interval=60.0)
    for position in range(100):
        journal.write(StepLookedAt(position))
    journal.write(PromptSent("a"))
    journal.write(StepLookedAt(None))
    journal.flush(PATIENCE)
    assert path.read_bytes().count(b"looked_at") == 2


def test_a_full_disk_is_told_once_and_leaves_whole_lines(path, opened, monkeypatch):
    journal = opened()
    journal.write(PromptSent("before"))
    assert journal.flush(PATIENCE)
    whole = path.read_bytes()
    write = os.write
    file = journal._file._file

    class Full:
        """A file that takes half of what it is given, and then nothing."""

        def __init__(self):
            self.is_full = False

        def write(self, data):
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.is_full = True
            return write(file.fileno(), bytes(data)[: len(data) // 2])

        def fileno(self):
            return file.fileno()

        def close(self):
            file.close()

    monkeypatch.setattr(journal._file, "_file", Full())
    journal.write(PromptSent("lost" * 100))
    assert not journal.flush(PATIENCE)
    assert "no longer saved: No space left" in journal.fault
    assert journal.take_fault() == journal.fault
    assert journal.take_fault() == ""
    journal.write(PromptSent("goes nowhere"))
    assert not journal.close(PATIENCE)
    assert path.read_bytes() == whole


def test_a_fault_without_a_name_of_the_system_is_told_by_its_own_words(path, opened, monkeypatch):
    def broken(*_):
        raise OSError("the medium was taken out")

    monkeypatch.setattr(LineFile, "append", broken)
    journal = opened()
    journal.write(PromptSent("a"))
    assert not journal.flush(PATIENCE)
    assert journal.fault.endswith("no longer saved: the medium was taken out")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root mounts")
def test_a_disk_that_fills_up(tmp_path):
    import subprocess

    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        path = mounted / "a.jsonl"
        path.write_bytes(header_line(new_header()))
        journal = Journal(LineFile(open_alone(path), LARGEST_SESSION), Summary(), 0.01)
        for number in range(200):
            journal.write(PromptSent(f"{number} " + "x" * 1000))
            journal.flush(PATIENCE)
        assert "no longer saved" in journal.take_fault()
        journal.close(PATIENCE)
        contents = read_contents(path.read_bytes())
        assert contents.fault == ""
        assert 20 < len(contents.state.prompts) < 64
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_session_has_a_largest_size(path, opened):
    largest = path.stat().st_size + 500
    journal = opened(largest)
    journal.write(PromptSent("fits"))
    assert journal.flush(PATIENCE)
    journal.write(PromptSent("x" * 500))
    assert not journal.flush(PATIENCE)
    assert "bytes that it may have; begin a new one" in journal.take_fault()
    journal.close(PATIENCE)
    assert prompts(path) == ["fits"]
    assert path.stat().st_size <= largest


def test_two_that_no_lock_keeps_apart_leave_a_whole_file(path, opened, monkeypatch):
    """Where the file system knows none, who is second to write is told, and writes nothing."""
    monkeypatch.setattr(fcntl, "flock", no_locks)
    first, second = opened(), opened()
    first.write(PromptSent("first"))
    assert first.flush(PATIENCE)
    second.write(PromptSent("second"))
    assert not second.flush(PATIENCE)
    assert second.take_fault().endswith("no longer saved: another program writes its file")
    first.write(PromptSent("again"))
    assert first.close(PATIENCE)
    assert prompts(path) == ["first", "again"]


def no_locks(*_):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_a_file_that_was_deleted_is_told(path, opened):
    journal = opened()
    path.unlink()
    journal.write(PromptSent("a"))
    journal.flush(PATIENCE)
    assert "its file was deleted" in journal.take_fault()


def test_a_disk_that_is_slow_holds_up_no_writing(path, opened, monkeypatch):
    """Who is killed while it is at it loses no more than else, and can be opened after."""
    begun, answers = threading.Event(), threading.Event()

    def slow(handle):
        begun.set()
        answers.wait(PATIENCE)

    monkeypatch.setattr(os, "fsync", slow)
    journal = opened(interval=journal_module.INTERVAL)
    journal.write(PromptSent("0"))
    assert begun.wait(PATIENCE)
    cleared, kept = threading.Event(), threading.Event()
    journal.then(cleared.set)
    journal.once_on_disk(kept.set)
    assert cleared.wait(1.0), "the mark of a reader stays no longer than that"
    journal.write(PromptSent("1"))
    told, until = time.monotonic(), time.monotonic() + PATIENCE
    while prompts(path) != ["0", "1"] and time.monotonic() < until:
        time.sleep(0.01)
    assert time.monotonic() - told < 1.0
    assert journal.is_writing
    assert not journal.flush(0.01)
    assert not kept.is_set()
    assert not journal.fault
    answers.set()
    assert journal.close(PATIENCE)
    assert kept.is_set()
    assert not journal.is_writing


def test_a_disk_that_does_not_answer_keeps_nobody_waiting(path, opened, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(LineFile, "append", lambda *_: answers.wait(PATIENCE))
    monkeypatch.setattr(journal_module, "MOST_WAITING", 50)
    journal = opened()
    began = time.monotonic()
    for number in range(200):
        journal.write(PromptSent(str(number)))
        time.sleep(0.0005)
    assert len(journal._waiting) <= 51
    assert "the disk takes nothing" in journal.take_fault()
    assert not journal.close(0.05)
    assert journal._writing.daemon, "nor is the program's end"
    assert journal._syncing.daemon
    assert time.monotonic() - began < PATIENCE / 2
    answers.set()


def test_what_cannot_be_encoded_is_told_and_ends_no_thread(path, opened):
    journal = opened()
    journal.write(Finished("length", (object(),), "", 1.0))
    journal.flush(PATIENCE)
    assert "it cannot be written: TypeError" in journal.take_fault()
    assert not journal.close(PATIENCE)


def test_its_threads_end(path, opened):
    journal = opened()
    assert journal.close(PATIENCE)
    assert not journal._writing.is_alive()
    assert not journal._syncing.is_alive()
    journal.write(PromptSent("late"))
    assert prompts(path) == []


def test_the_end_of_a_long_file_tells_of_the_session(path, opened):
    journal = opened()
    work = Recorded(journal.write)
    work.send("Once upon")
    for number in range(200):
        journal.write(PromptSent(f"{number} " + "x" * 1000))
    assert journal.close(PATIENCE)
    data = path.read_bytes()
    places = [at for at in range(len(data)) if data.startswith(b'{"type":"summary"', at)]
    assert b"Once upon" in data[places[-1] :]
    assert data.endswith(data[places[-1] :])
    gaps = [later - one for one, later in zip([0, *places], places, strict=False)]
    assert max(gaps) < EVERY + 300_000
    assert read_contents(data).fault == ""
