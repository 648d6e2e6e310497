"""A file that one program at a time may continue.

Must never wait for another program.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from core.errors import PlaygroundError

try:
    import fcntl
except ImportError:  # no such locks on this system: two downloads at once are the user's care
    fcntl = None  # type: ignore[assignment]


def open_alone(path: Path) -> io.FileIO:
    """Open a file that nobody else is writing, unbuffered: a crash then loses nothing.

    Raises:
        PlaygroundError: Another program is writing it.
        OSError: It cannot be written.
    """
    file = io.FileIO(path, "a+")
    if _is_locked(file) and _is_still_at(file, path):
        return file
    file.close()
    raise PlaygroundError("another program is downloading this model; wait until it is done")


def _is_locked(file: io.FileIO) -> bool:
    """Take ``file`` for this program alone; true also where the file system knows no locks."""
    if fcntl is None:
        return True
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _is_still_at(file: io.FileIO, path: Path) -> bool:
    """Return whether ``path`` names ``file`` still: its last writer may have renamed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
