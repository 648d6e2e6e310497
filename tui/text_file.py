"""Texts read from files: UTF-8, of a size that a model can be asked about.

Must never guess an encoding.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import PlaygroundError

LARGEST_FILE = 1_000_000
"""In bytes: far more than any context holds."""


def open_text_file(path: str) -> str:
    """Return the text of the file at ``path`` at once: of no pipe or device.

    ``~`` is the home folder.

    Raises:
        PlaygroundError: There is no such file; or as ``read_text_file``.
    """
    try:
        file = Path(path.strip()).expanduser()
        is_file, is_there = file.is_file(), file.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    if not is_file:
        fault = "is not a file" if is_there else "is not there"
        raise PlaygroundError(f"{path!r} {fault}; give the path of a text file")
    return read_text_file(str(file))


def read_text_file(path: str) -> str:
    """Return the text of the file at ``path``; see ``decoded``.

    Raises:
        PlaygroundError: It cannot be read, is not UTF-8, or is too long.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    return decoded(data, repr(path))


def _unreadable(path: str, error: OSError | ValueError | RuntimeError) -> PlaygroundError:
    return PlaygroundError(f"{path!r} cannot be read: {reason_of(error)}")


def reason_of(error: OSError | ValueError | RuntimeError) -> str:
    """Return why a file cannot be read or written, in the system's words."""
    return str(error.strerror if isinstance(error, OSError) else error)


def decoded(data: bytes, name: str) -> str:
    """Return ``data`` as text, less one line end at its end.

    Raises:
        PlaygroundError: It is not UTF-8, or is too long; ``name`` says what.
    """
    if len(data) > LARGEST_FILE:
        raise PlaygroundError(
            f"{name} has more than {LARGEST_FILE:,} bytes; score a shorter part of it"
        )
    try:
        text = data.decode()
    except UnicodeError:
        raise PlaygroundError(f"{name} is not UTF-8 text") from None
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def argument_text(argument: str, name: str) -> str:
    """Return an argument of the command line as UTF-8, whatever the locale it was read in.

    Raises:
        PlaygroundError: It is not UTF-8; ``name`` says what.
    """
    try:
        argument.encode()
    except UnicodeEncodeError:  # bytes that the locale has no characters for, such as C's
        try:
            return os.fsencode(argument).decode()
        except UnicodeError:
            raise PlaygroundError(f"{name} is not UTF-8 text") from None
    return argument
