"""The one reader of files of anywhere: nothing hangs, nothing grows, nothing is guessed."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from core.files.reading import (
    FileError,
    MissingFileError,
    read_bytes,
    read_json_object,
    read_text,
)

NO_FILES = {
    "pipe": "is not a file but a pipe",
    "folder": "is not a file but a folder",
    "socket": "is not a file but a socket",
    "/dev/zero": "is not a file but a device",
    "/dev/tty": "",
    "link to /dev/zero": "is not a file but a device",
    "link to a pipe": "is not a file but a pipe",
    "link to itself": "cannot be read: ",
    "link to nowhere": "is a broken link",
    "nothing": "is not there",
}


def make(kind: str, path: Path) -> Path:
    """Put what ``kind`` says at ``path``, where it can be there at all."""
    if kind.startswith("/"):
        return Path(kind)
    beside = path.with_name("beside")
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            os.chdir(path.parent)  # a socket's name has at most 107 bytes
            socket.socket(socket.AF_UNIX).bind(path.name)
        case "link to a pipe":
            os.mkfifo(beside)
            path.symlink_to(beside)
        case "link to /dev/zero" | "link to itself" | "link to nowhere":
            targets = {"zero": "/dev/zero", "itself": path, "nowhere": beside}
            path.symlink_to(targets[kind.rpartition("/")[2].rpartition(" ")[2]])
    return path


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_told_at_once(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = make(kind, tmp_path / "it")
    with pytest.raises(FileError) as caught:
        read_bytes(path, 100)
    assert caught.value.fault.startswith(NO_FILES[kind])
    assert str(caught.value).startswith(f"{str(path)!r} ")
    assert isinstance(caught.value, MissingFileError) == (kind == "nothing")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file/below"])
def test_names_that_the_system_refuses(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(FileError):
        read_bytes(tmp_path / name, 100)


def test_a_size_is_held_to_even_where_the_file_grows(tmp_path):
    path = tmp_path / "it"
    path.write_bytes(b"a" * 100)
    assert read_bytes(path, 100) == b"a" * 100
    with pytest.raises(FileError, match="has more than 99 bytes"):
        read_bytes(path, 99)
    with path.open("wb") as file:
        file.truncate(2**40)  # takes no place on the disk
    began = time.monotonic()
    with pytest.raises(FileError, match="has more than 1,000,000 bytes"):
        read_bytes(path, 1_000_000)
    assert time.monotonic() - began < 1


def test_a_file_that_becomes_a_pipe_meanwhile_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "it"
    path.touch()
    looked = Path.stat

    def stat(self, **options):
        status = looked(self, **options)
        path.unlink()
        os.mkfifo(path)
        return status

    monkeypatch.setattr(Path, "stat", stat)
    ended = threading.Event()

    def read():
        with pytest.raises(FileError, match="is not a file but a pipe"):
            read_bytes(path, 100)
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert ended.wait(5)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfHi", "Hi"),
        (b"Hi\xef\xbb\xbf", "Hi\ufeff"),
        (b"\xef\xbb\xbf", ""),
        ("a\u3000é\r\n".encode(), "a\u3000é\r\n"),
    ],
)
def test_a_byte_order_mark_is_no_text(tmp_path, data, text):
    path = tmp_path / "it"
    path.write_bytes(data)
    assert read_text(path, 100) == text


@pytest.mark.parametrize("data", [b"\xff\xfeH\0", b"\xed\xa0\x80", b"a\xe2\x80", b"\x80"])
def test_no_encoding_is_guessed(tmp_path, data):
    path = tmp_path / "it"
    path.write_bytes(data)
    with pytest.raises(FileError, match="is not UTF-8 text"):
        read_text(path, 100)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("9" * 5000, "is no JSON"),
        ("[1]", "is no JSON object"),
        ("\ufeff{", "is no JSON"),
    ],
)
def test_what_is_no_json_object(tmp_path, text, fault):
    path = tmp_path / "it"
    path.write_text(text)
    with pytest.raises(FileError) as caught:
        read_json_object(path, 200_000)
    assert caught.value.fault == fault
    path.write_text('\ufeff{"a": 1}')
    assert read_json_object(path, 200_000) == {"a": 1}
