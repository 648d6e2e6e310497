"""A file that one program at a time may continue.

Must never wait for another program. The lock is the system's own on the open file: it ends with the
program that holds it, however that ends, and leaves nothing behind that would have to be removed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import stat
from pathlib import Path

from core.records.errors import PlaygroundError


class TakenError(PlaygroundError):
    """Another program is writing the file."""


def open_alone(path: Path, mode: int = 0o666) -> io.FileIO:
    """Open a file that nobody else is writing, unbuffered: a crash then loses nothing.

    One that is not there yet is made, with the permissions ``mode`` less the user's mask.

    Raises:
        TakenError: Another program is writing it.
        PlaygroundError: It is a link or no plain file, through which something else would be
            written.
        OSError: It cannot be written.
    """

    def open_itself(name: str, flags: int) -> int:
        try:
            # Nor wait for the other end of a pipe.
            return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode)
        except OSError as error:  # a link, elsewhere too; a pipe
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
                raise _no_plain_file(path) from None
            raise

    file = io.FileIO(path, "a+", opener=open_itself)
    if not _is_plain(file):
        file.close()
        raise _no_plain_file(path)
    if _is_locked(file) and _is_still_at(file, path):
        return file
    file.close()
    raise TakenError(f"another program is writing {path}; wait until it is done")


def _is_plain(file: io.FileIO) -> bool:
    status = os.fstat(file.fileno())
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _no_plain_file(path: Path) -> PlaygroundError:
    return PlaygroundError(f"{path} is a link or no file, and is not written to; delete it")


def _is_locked(file: io.FileIO) -> bool:
    """Take ``file`` for this program alone; true also where the file system knows no locks."""
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _is_still_at(file: io.FileIO, path: Path) -> bool:
    """Return whether ``path`` names ``file`` still: its last writer may have renamed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False
