"""The first line of a session's file, what the file is and of which version, and who writes it.

Must never be changed once it is written: what changes stands in the lines after it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from core.document.export.about import PROGRAM, installed_version, version_of
from core.files.fields import Fields
from core.sessions.entries import ProgramStarted
from core.sessions.from_json import object_of
from core.sessions.to_json import FORMAT_VERSION, line_of

FORMAT = f"{PROGRAM} session"


class LaterVersionError(ValueError):
    """The file is of a later version than this program can go on with; the text says of which."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says. ``created`` is a time of ISO 8601, by the clock of that day."""

    version: tuple[int, int]
    program_version: str
    created: str
    session_id: str


def new_header() -> Header:
    """Return the header of a session that begins now."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    version = installed_version(PROGRAM) or ""
    return Header(FORMAT_VERSION, version, created, secrets.token_hex(8))


def this_program() -> ProgramStarted:
    """Return the versions that write now; to find them out takes its time."""
    versions = [installed_version(name) or "" for name in (PROGRAM, "torch", "transformers")]
    return ProgramStarted(*versions)


def header_line(header: Header) -> bytes:
    """Return the first line of the file."""
    record = {
        "format": FORMAT,
        "format_version": "{}.{}".format(*header.version),
        "program_version": header.program_version,
        "created": header.created,
        "id": header.session_id,
    }
    return line_of(record)


def header_of(line: bytes) -> Header:
    """Return what the first line of a file says.

    Raises:
        LaterVersionError: It is of a later major version.
        ValueError: It is no file of a session.
    """
    try:
        fields = Fields(object_of(line))
        is_session = fields.text("format") == FORMAT
    except ValueError:
        is_session = False
    if not is_session:
        raise ValueError("it is no session of this program")
    version = version_of(fields.text("format_version"))
    if version is None:
        raise ValueError("'format_version' is none")
    if version[0] > FORMAT_VERSION[0]:
        raise LaterVersionError(f"it has format {version[0]}.{version[1]}, a later one")
    return Header(
        version, fields.text("program_version"), fields.text("created"), fields.text("id")
    )
