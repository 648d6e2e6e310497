"""Files written whole or not at all: aside, onto the disk, and only then under their name.

Must never leave half of a file behind, nor follow a link. What a killed program has left aside is
removed when something is written in the same folder again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

_ASIDE = re.compile(r"\.gpt2-playground-[0-9a-f]{16}\.part")
_LONGEST_WAIT = 5.0  # seconds for another program to have written what it writes
_LOOK_EVERY = 0.02  # seconds
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def write_new(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write ``data`` to a file that is not there yet; ``mode`` as in ``write_over``.

    Raises:
        FileExistsError: Something has that name already, if only a link to nowhere.
        OSError: It cannot be written; nothing is left of it.
    """
    with folder_locked(path.parent), written_aside(path, data, mode) as aside:
        try:
            os.link(aside, path)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _rename_to_new(aside, path)
        sync_folder(path.parent)


def rename_new(path: Path, new: Path) -> None:
    """Give a file a name in the same folder that nothing has yet.

    Raises:
        FileExistsError: Something has that name already, if only a link to nowhere.
        OSError: It cannot be renamed; it has its name still.
    """
    with folder_locked(path.parent):
        _rename_to_new(path, new)
        sync_folder(path.parent)


def _rename_to_new(aside: Path, path: Path) -> None:
    """Rename to a name that nothing has, where a file cannot have two."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # takes the name
    try:
        aside.replace(path)
    except OSError:
        path.unlink()
        raise


def write_over(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write ``data`` to ``path`` in the place of what may be there; a link is replaced.

    The file has the permissions ``mode``, or those of any file of this user.

    Raises:
        OSError: It cannot be written; what was there is left as it was.
    """
    with folder_locked(path.parent), written_aside(path, data, mode) as aside:
        aside.replace(path)
        sync_folder(path.parent)


@contextlib.contextmanager
def written_aside(path: Path, data: bytes, mode: int | None = None) -> Iterator[Path]:
    """Give a finished file beside ``path``, on the disk, to be checked and then renamed to it.

    To be used while ``folder_locked``; what has not been renamed at the end is removed.

    Raises:
        OSError: It cannot be written.
    """
    aside = path.with_name(f".gpt2-playground-{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        handle = os.open(aside, flags, 0o666 if mode is None else 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield aside
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


@contextlib.contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """Keep other instances of this program from writing in ``folder``; one may wait for another.

    What a killed one has left aside there is removed.

    Raises:
        OSError: The folder is not there, or another program writes in it all the time.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write in it without being able to read it
        yield
        return
    try:
        if _is_locked(handle, folder):
            _sweep(folder)
        yield
    finally:
        os.close(handle)


def _is_locked(handle: int, folder: Path) -> bool:
    """Take the folder for this program alone; false where the file system knows no locks."""
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() - began > _LONGEST_WAIT:
                reason = "another program is writing there; try again"
                raise OSError(error.errno, reason, str(folder)) from None
            time.sleep(_LOOK_EVERY)
        except OSError:
            return False
        else:
            return True


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _ASIDE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    Path(entry.path).unlink()


def sync_folder(folder: Path) -> None:
    """Have the name on the disk too, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
