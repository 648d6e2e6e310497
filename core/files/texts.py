"""Texts and prompts from files and standard input: UTF-8, of a size a model can be asked about.

Must never guess an encoding, or take a byte order mark for a part of the text.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.files.reading import FileError, decoded, read_text
from core.records.errors import PlaygroundError

LARGEST_FILE = 1_000_000
"""In bytes: far more than any context holds."""

LARGEST_RUN = 64_000_000
"""The same for an exported run, of which each step says what was weighed."""


def read_text_file(path: str, most: int = LARGEST_FILE) -> str:
    """Return the text of the file at ``path`` at once, less one line end at its end.

    ``~`` is the home folder; the file has at most ``most`` bytes.

    Raises:
        PlaygroundError: It is not there, is a pipe or a device, is not UTF-8, or is too long.
    """
    try:
        return _without_line_end(read_text(Path(path.strip()).expanduser(), most))
    except FileError as error:
        raise PlaygroundError(f"{path!r} {error.fault}; give the path of a text file") from None
    except RuntimeError as error:  # nobody has that home folder
        raise PlaygroundError(f"{path!r} cannot be read: {error}") from None


def read_standard_input(name: str, most: int = LARGEST_FILE) -> str:
    """Return the text on standard input, which is ``name``, less one line end at its end.

    It has at most ``most`` bytes.

    Raises:
        PlaygroundError: It cannot be read, is not UTF-8, or is too long.
    """
    try:
        data = sys.stdin.buffer.read(most + 1)
    except OSError as error:
        raise PlaygroundError(f"{name} cannot be read: {reason_of(error)}") from None
    if len(data) > most:
        raise PlaygroundError(f"{name} has more than {most:,} bytes; give a part of it")
    try:
        text = decoded(data)
    except UnicodeError:
        raise PlaygroundError(f"{name} is not UTF-8 text") from None
    return _without_line_end(text)


def reason_of(error: OSError | ValueError | RuntimeError) -> str:
    """Return why a file cannot be read or written, in the system's words."""
    return str(error.strerror if isinstance(error, OSError) else error)


def _without_line_end(text: str) -> str:
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def prompt_argument(argument: str) -> str:
    """Return a prompt of the command line; ``"$(cat FILE)"`` brings a byte order mark along.

    Raises:
        PlaygroundError: It is not UTF-8.
    """
    return argument_text(argument, "the prompt").removeprefix("\ufeff")


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
