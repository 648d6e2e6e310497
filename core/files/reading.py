"""Files of anywhere, read with a look at what they are: a regular file, of a size, in UTF-8.

Must never wait for a pipe or a device, read more than was asked for, or guess an encoding. A byte
order mark is no part of what a file says.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from core.records.errors import PlaygroundError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_BLOCK = 2**20


class FileError(PlaygroundError):
    """A file that cannot be used; ``fault`` says why, to stand behind the file's name."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{str(path)!r} {fault}")
        self.fault = fault


class MissingFileError(FileError):
    """There is no such file, nor a link of that name."""


def read_bytes(path: Path, most: int) -> bytes:
    """Return what is in the file at ``path``, itself or behind links: at most ``most`` bytes.

    Raises:
        MissingFileError: It is not there.
        FileError: It is no regular file, is larger, or cannot be read.
    """
    try:
        _check_kind(path, path.stat())
        # The kind may change meanwhile: without O_NONBLOCK, a pipe would be waited for even here.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            _check_kind(path, os.fstat(descriptor))
            data = bytearray()
            while len(data) <= most and (block := file.read(min(_BLOCK, most + 1 - len(data)))):
                data += block
    except FileNotFoundError:
        if path.is_symlink():
            raise FileError(path, "is a broken link") from None
        raise MissingFileError(path, "is not there") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise FileError(path, f"cannot be read: {said or error}") from None
    if len(data) > most:
        raise FileError(path, f"has more than {most:,} bytes")
    return bytes(data)


def read_text(path: Path, most: int) -> str:
    """Return the text of the file at ``path``, which has at most ``most`` bytes.

    Raises:
        MissingFileError: It is not there.
        FileError: As ``read_bytes``, or it is not UTF-8.
    """
    try:
        return decoded(read_bytes(path, most))
    except UnicodeDecodeError:
        raise FileError(path, "is not UTF-8 text") from None


def read_json_object(path: Path, most: int) -> dict[str, Any]:
    """Return the JSON object in the file at ``path``, which has at most ``most`` bytes.

    Raises:
        MissingFileError: It is not there.
        FileError: As ``read_text``, or it is no JSON object.
    """
    try:
        content = json.loads(read_text(path, most))
    except (ValueError, RecursionError):
        raise FileError(path, "is no JSON") from None
    if not isinstance(content, dict):
        raise FileError(path, "is no JSON object")
    return content


def decoded(data: bytes) -> str:
    """Return ``data`` as text, without the byte order mark that may stand before it.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    return data.decode("utf-8-sig")


def is_regular_file(path: Path) -> bool:
    """Return whether ``path`` is a file, itself or behind links: no pipe, device or folder."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _check_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise FileError(path, f"is not a file but {kind}")
