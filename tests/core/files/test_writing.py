"""Every file that the program writes: whole or not at all, and nothing hidden left behind."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from core.document.document import Document, Turn
from core.files import writing as file_writing
from core.files.writing import folder_locked, write_new, write_over
from core.playground.run_file import file_of_turn
from core.presets.finding import load_presets
from core.presets.writer import save_preset
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import Finished, Started
from tests.places import REPOSITORY

PRESETS = "presets:\n  a: {}\n"


def save_a_run(folder):
    turn = Turn("Once", "greedy", Settings())
    turn.started = Started((1,), (1,), 5, 100, 0)
    turn.finished = Finished("length", (), "", 0.0)
    file_of_turn(str(folder / "run.jsonl"), Document([turn]), turn).write()


def save_a_preset(folder):
    save_preset(load_presets(folder / "presets.yaml"), "b", Settings())


WRITERS = {
    "new": lambda folder: write_new(folder / "file", b"x" * 100_000),
    "over": lambda folder: write_over(folder / "presets.yaml", b"x" * 100_000),
    "run": save_a_run,
    "preset": save_a_preset,
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "presets.yaml").write_text(PRESETS)
    return folder


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def no_hard_links(*_):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


class FullDisk:
    """A file on a disk that is full: found out when written to, flushed or closed."""

    def __init__(self, file, when):
        self._file, self._when = file, when

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._fail_if("close")

    def write(self, data):
        self._file.write(data[: len(data) // 2])
        self._fail_if("write")
        self._file.write(data[len(data) // 2 :])

    def flush(self):
        self._file.flush()
        self._fail_if("flush")

    def _fail_if(self, moment):
        if moment == self._when:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("when", ["write", "flush", "fsync", "close", "link", "rename"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_leaves_what_was_there(folder, monkeypatch, writer, when):
    real = os.fdopen

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(handle, mode, **options):
        file = real(handle, mode, **options)
        return FullDisk(file, when) if mode == "wb" else file

    monkeypatch.setattr(file_writing.os, "fdopen", opened)
    if when == "fsync":
        monkeypatch.setattr(file_writing.os, "fsync", full)
    if when == "link":
        monkeypatch.setattr(file_writing.os, "link", full)
    if when == "rename":
        monkeypatch.setattr(file_writing.os, "link", no_hard_links)
    if when in ("link", "rename"):
        monkeypatch.setattr(file_writing.Path, "replace", full)
    with pytest.raises((OSError, PlaygroundError), match="No space left on device"):
        WRITERS[writer](folder)

    assert contents(folder) == {"presets.yaml": PRESETS}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_written_is_on_the_disk_before_it_has_its_name(folder, monkeypatch, writer):
    """The order that a machine without power needs."""
    done = []

    def noting(name):
        real = getattr(os, name)

        def note(*arguments, **options):
            done.append(name)
            return real(*arguments, **options)

        return note

    for name in ("fsync", "link", "rename", "replace"):
        monkeypatch.setattr(os, name, noting(name))
    WRITERS[writer](folder)

    assert done[0] == "fsync"
    assert done[1] in ("link", "rename", "replace")
    assert not [name for name in contents(folder) if name.startswith(".")]


KILLED = """
import os, signal, sys
from pathlib import Path
from core.files import writing as file_writing
file_writing.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
sys.path.insert(0, "")
from tests.core.files.test_writing import WRITERS
WRITERS[sys.argv[1]](Path(sys.argv[2]))
"""


@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_killed_program_left_is_swept(folder, writer):
    (folder / ".other.1234").write_text("somebody else's")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, writer, str(folder)], cwd=REPOSITORY, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    left = contents(folder)
    assert left["presets.yaml"] == PRESETS
    assert len(left) == 3
    WRITERS[writer](folder)

    assert set(contents(folder)) <= {"presets.yaml", ".other.1234", "file", "run.jsonl"}
    assert (folder / ".other.1234").exists()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_is_written_over_nothing(folder, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr(file_writing.os, "link", no_hard_links)
    (folder / "nowhere").symlink_to(folder / "target")
    for name in ("presets.yaml", "nowhere"):
        with pytest.raises(FileExistsError):
            write_new(folder / name, b"new")
    write_new(folder / "new", b"new")

    assert not (folder / "target").exists()
    (folder / "nowhere").unlink()
    assert contents(folder) == {"presets.yaml": PRESETS, "new": "new"}


def test_a_link_is_replaced_and_not_followed(folder):
    (folder / "link").symlink_to(folder / "presets.yaml")
    write_over(folder / "link", b"new")

    assert contents(folder) == {"presets.yaml": PRESETS, "link": "new"}


def _save_many(path, name, barrier):
    book = load_presets(path)
    barrier.wait()
    for number in range(4):
        save_preset(book, f"{name}{number}", Settings())


def test_programs_that_save_presets_at_once_lose_none(folder):
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    barrier = context.Barrier(3)
    path = folder / "presets.yaml"
    programs = [
        context.Process(target=_save_many, args=(path, name, barrier)) for name in ("x", "y", "z")
    ]
    for program in programs:
        program.start()
    for program in programs:
        program.join(30)

    saved = load_presets(path).presets
    expected = {"a", *(f"{name}{number}" for name in "xyz" for number in range(4))}
    assert {preset.name for preset in saved} == expected
    keys = [preset.key for preset in saved if preset.key]
    assert len(set(keys)) == len(keys) == 12
    assert [path.name for path in folder.iterdir()] == ["presets.yaml"]


def test_a_program_that_never_ends_writing_is_not_waited_for_without_end(folder, monkeypatch):
    monkeypatch.setattr(file_writing, "_LONGEST_WAIT", 0.1)
    began = time.monotonic()
    with folder_locked(folder), pytest.raises(PlaygroundError, match=r"another program is writing"):
        save_a_preset(folder)

    assert time.monotonic() - began < 5
    save_a_preset(folder)
    assert len(load_presets(folder / "presets.yaml").presets) == 2
