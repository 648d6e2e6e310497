"""The folder of the sessions: a file each, listed by what their beginnings and ends say.

Must never read a whole session to list it, nor delete one that a program has open.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from core.document.tree_records import checked_name
from core.files.lock import open_alone
from core.files.reading import FileError, is_regular_file, read_text
from core.files.writing import write_over
from core.records.errors import PlaygroundError
from core.sessions.entries import SessionNamed
from core.sessions.from_json import entry_of, object_of
from core.sessions.header import Header, header_of
from core.sessions.opening import open_session
from core.sessions.summary import TYPE, Summary, summary_of

SUFFIX = ".jsonl"

_LAST = "last"
"""The file that names the sessions that were opened last, the newest first."""

_KEPT = 20
_LOOKED_AT = 64 * 2**10  # bytes of a file's beginning, and of its end


_TELLING = tuple(
    f'{{"type":"{kind}"'.encode() for kind in (TYPE, "run", "prompt", "model", "session")
)
"""How the lines begin that ``Summary`` takes."""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as a list tells of it.

    ``size`` is in bytes; ``changed`` is when it was written last, in seconds since 1970 by the file
    system's clock. The texts of ``summary`` are as they were typed. ``fault`` says why it could not
    be looked into, empty where it could.
    """

    path: Path
    size: int
    changed: float
    header: Header | None
    summary: Summary
    fault: str = ""


def sessions_folder() -> Path:
    """Return the folder of the user's sessions, which need not be there yet."""
    return platformdirs.user_data_path("gpt2-playground") / "sessions"


class SessionsFolder:
    """The sessions of a folder, which need not be there yet."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else sessions_folder()

    def new_path(self) -> Path:
        """Return a name for a new session that no other has."""
        began = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        return self.folder / f"{began}-{secrets.token_hex(3)}{SUFFIX}"

    def listed(self) -> list[ListedSession]:
        """Return all sessions in which something was done, the one written last first.

        Raises:
            PlaygroundError: The folder cannot be read.
        """
        try:
            with os.scandir(self.folder) as entries:
                names = [one.name for one in entries if one.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise PlaygroundError(
                f"{str(self.folder)!r} cannot be read: {error.strerror}"
            ) from None
        found = [one for name in names if (one := look_into(self.folder / name)) is not None]
        return sorted(found, key=lambda one: (one.changed, one.path.name), reverse=True)

    def last(self) -> Path | None:
        """Return the session that was left last; ``None`` where there is none.

        That is the one that ``remember`` was told last of those that are there, whatever clocks
        say; else the one written last.
        """
        for name in self._remembered():
            path = self.folder / name
            with contextlib.suppress(OSError):
                if is_regular_file(path) and path.stat().st_size:
                    return path
        with contextlib.suppress(PlaygroundError):
            return next((one.path for one in self.listed()), None)
        return None

    def remember(self, path: Path) -> None:
        """Let ``last`` be this session; one that lies elsewhere, or cannot be told, is left out."""
        if path.parent == self.folder.resolve() and path.is_file():
            names = [path.name, *(one for one in self._remembered() if one != path.name)]
            with contextlib.suppress(OSError):
                write_over(self.folder / _LAST, "\n".join(names[:_KEPT]).encode(), 0o600)

    def _remembered(self) -> list[str]:
        try:
            names = read_text(self.folder / _LAST, _KEPT * 300).split("\n")
        except FileError:
            return []
        return [one for one in names if one.endswith(SUFFIX) and Path(one).name == one]

    def name(self, path: Path, name: str) -> None:
        """Name a session that is not open; an empty name takes the name away.

        Raises:
            PlaygroundError: The name is too long or more than a line, the session is open, or
                the file is none that this program can go on with.
        """
        entry = session_named(name)
        listed = look_into(path)
        if listed is None or listed.fault:
            why = listed.fault if listed is not None else "there is no session"
            raise PlaygroundError(f"{str(path)!r} cannot be named: {why}")
        session = open_session(path)
        if session.journal is None:
            raise PlaygroundError(session.notes[-1])
        session.record(entry)
        if not session.close():
            raise PlaygroundError(session.journal.fault or "the disk does not answer")

    def delete(self, path: Path) -> None:
        """Delete a session that is not open, for good.

        Raises:
            PlaygroundError: It is open, or cannot be deleted.
        """
        try:
            if not path.is_file():
                raise PlaygroundError(f"there is no session {str(path)!r}")
            with open_alone(path):
                path.unlink()
        except OSError as error:
            raise PlaygroundError(f"{str(path)!r} cannot be deleted: {error.strerror}") from None


def session_named(name: str) -> SessionNamed:
    """Return the entry that names a session.

    Raises:
        PlaygroundError: The name is too long or more than a line.
    """
    return SessionNamed(checked_name(name))


def look_into(path: Path) -> ListedSession | None:
    """Return what a list tells of a session; ``None`` of what is none, or has nothing in it yet."""
    handle = -1
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return None
        head = os.pread(handle, _LOOKED_AT, 0)
        tail = os.pread(handle, _LOOKED_AT, max(len(head), status.st_size - _LOOKED_AT))
    except (OSError, ValueError):  # no file of that name is possible
        return None
    finally:
        if handle >= 0:
            os.close(handle)
    first, _, rest = head.partition(b"\n")
    try:
        header = header_of(first)
    except ValueError as error:
        return _told(path, status, None, Summary(), str(error))
    # Between them there may be more, and then the end begins within a line.
    lines = rest.split(b"\n") + tail.split(b"\n")
    summary = _summary(lines)
    return _told(path, status, header, summary) if summary is not None else None


def _told(
    path: Path, status: os.stat_result, header: Header | None, summary: Summary, fault: str = ""
) -> ListedSession:
    return ListedSession(path, status.st_size, status.st_mtime, header, summary, fault)


def _summary(lines: list[bytes]) -> Summary | None:
    """Return what lines tell in order; ``None`` where nothing was done."""
    summary, has_something = Summary(), False
    for line in lines:
        if not line.startswith(_TELLING):
            continue
        try:
            record = object_of(line)
            if record.get("type") == TYPE:
                summary = summary_of(record)
            elif (entry := entry_of(record)) is not None:
                summary.take(entry)
        except ValueError:
            continue  # cut through, or damaged: whoever opens it is told
        has_something |= bool(summary.runs or summary.first_words or summary.name)
    return summary if has_something else None
