"""A run into a file of its own, whose name's end says the format.

Must never write over a file, and never leaves half of one behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.document.export.writers import whole_text
from core.files.texts import reason_of
from core.files.writing import write_new
from core.records.errors import PlaygroundError
from core.records.steps import Event

FORMAT_OF_SUFFIX = {
    ".md": "markdown",
    ".html": "html",
    ".svg": "svg",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".txt": "text",
}
"""What a file's name says of its format, by ``core.document.export.writers.FORMATS``."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """The text of a file that is not there yet."""

    path: Path
    text: str

    def write(self) -> Path:
        """Write it, whole or not at all, which may wait for a disk; return where it is.

        Raises:
            PlaygroundError: A file has that name already, or it cannot be written.
        """
        write_new_text(self.path, self.text)
        return self.path


def file_of_run(
    path: str, before: str, about: Mapping[str, Any], events: Iterable[Event]
) -> NewFile:
    """Return the events of a run as a file; ``~`` is the home folder.

    Args:
        path: Its name's end is one of ``FORMAT_OF_SUFFIX``.
        before: What the run went on from; as bare text, the file begins with it, so that it can be
            scored as it stands.
        about: As ``core.document.export.about.about_run`` returns it.
        events: From ``Started`` to ``Finished``.

    Raises:
        PlaygroundError: The name is of no known format.
    """
    file, name = new_file_of(path), format_of(path)
    written = whole_text(name, before, about, events)
    return NewFile(file, before + written if name == "text" else written)


def format_of(path: str) -> str:
    """Return which of ``FORMAT_OF_SUFFIX`` the end of a file's name says.

    Raises:
        PlaygroundError: None.
    """
    name = FORMAT_OF_SUFFIX.get(Path(path.strip()).suffix.lower())
    if name is None:
        known = ", ".join(FORMAT_OF_SUFFIX)
        raise PlaygroundError(f"{path!r} says no format; end its name in one of {known}")
    return name


def new_file_of(path: str) -> Path:
    """Return the path that a person gave for a new file; ``~`` is the home folder.

    Raises:
        PlaygroundError: Nobody has that home folder.
    """
    try:
        return Path(path.strip()).expanduser()
    except RuntimeError as error:
        raise PlaygroundError(f"{path!r} is no place for a file: {error}") from None


def write_new_text(file: Path, text: str) -> None:
    """Write ``text`` to a file that is not there yet, whole or not at all.

    Raises:
        PlaygroundError: A file has that name already, or it cannot be written.
    """
    try:
        write_new(file, text.encode("utf-8", errors="backslashreplace"))
    except FileExistsError:
        raise PlaygroundError(f"{str(file)!r} is there already; give another name") from None
    except (OSError, ValueError) as error:
        raise PlaygroundError(f"{str(file)!r} cannot be written: {reason_of(error)}") from None
