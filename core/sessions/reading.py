"""The bytes of a session's file to where they lead, as far as they are whole.

Must never trust the file, nor stop at a fault without saying how far it is good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.document.export.about import version_of
from core.sessions.entries import Entry
from core.sessions.from_json import entry_of, object_of
from core.sessions.header import Header, header_of
from core.sessions.restoring import Restored, Restorer
from core.sessions.to_json import FORMAT_VERSION
from core.text.visible import one_line


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    ``good`` is how many bytes at its beginning are lines that fit; ``fault`` says what is wrong
    with the rest, empty where there is none. ``interrupted`` is what ended a run that had no end,
    or several side by side. ``is_newer`` is whether the file may hold what this program does not
    know.
    """

    header: Header
    state: Restored
    good: int
    fault: str
    interrupted: Entry | None
    is_newer: bool


def read_contents(data: bytes) -> Contents:
    """Return what ``data``, the whole of a file, holds.

    Raises:
        LaterVersionError: It is of a later major version.
        ValueError: It is no file of a session; its first line is not whole or something else.
    """
    lines = _lines(data)
    first, good = next(lines, (b"", 0))
    if not first:
        raise ValueError("it has no whole line")
    header = header_of(first)
    restorer, fault = Restorer(), ""
    version = header.version
    for number, (line, end) in enumerate(lines, start=2):
        try:
            record = object_of(line)
            if record.get("type") == "program":  # which writes as it is used to, whatever began it
                version = max(version, version_of(record.get("format_version")) or version)
            entry = entry_of(record)
            if entry is not None:
                restorer.take(entry)
        except ValueError as error:
            fault = one_line(f"line {number} is damaged: {error}")
            break
        good = end
    if not fault and good < len(data):
        fault = "its last line is not whole"
    interrupted = restorer.interrupt()
    is_newer = version > FORMAT_VERSION
    return Contents(header, restorer.state, good, fault, interrupted, is_newer)


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each whole line, without its end, and where the next one begins."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end], end + 1
        start = end + 1
