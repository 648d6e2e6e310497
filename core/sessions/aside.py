"""Files beside a session's: what is kept of one that could not be read, and the mark of a reader.

Must never overwrite anything, nor delete more than the mark.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

from core.files.writing import rename_new, write_new

_MARK = ".opening"


class Mark:
    """A file beside a session's while that is read: who finds it knows that the reader died."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + _MARK)

    @property
    def is_set(self) -> bool:
        """Whether the file was being read when a program ended."""
        return os.path.lexists(self._path)

    def set(self) -> None:
        """Say that the file is read now; in a folder that takes no file it cannot be said."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def clear(self) -> None:
        """Say that all went well."""
        with contextlib.suppress(OSError):
            self._path.unlink()


def keep_file(path: Path, why: str) -> Path:
    """Rename a file to a name beside it that has ``why``, one word, in it; return that.

    Raises:
        OSError: It cannot be renamed.
    """
    return _beside(path, why, lambda new: rename_new(path, new))


def keep_bytes(path: Path, why: str, data: bytes) -> Path:
    """Write ``data`` to a file beside ``path``; return its name, as ``keep_file`` does.

    Raises:
        OSError: It cannot be written.
    """
    return _beside(path, why, lambda new: write_new(new, data, 0o600))


def _beside(path: Path, why: str, make: Callable[[Path], None]) -> Path:
    for number in count(1):
        new = path.with_name(f"{path.name}.{why}-{number}")
        with contextlib.suppress(FileExistsError):
            make(new)
            return new
    raise AssertionError  # count never ends
