"""A session opened: what it holds, and its journal to go on with, or a sentence on why not.

Must never overwrite what it cannot read, read a file twice that ended the program once, or write a
file that another program writes.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.files.lock import TakenError, open_alone
from core.files.reading import FileError, is_regular_file, read_bytes
from core.files.writing import sync_folder
from core.records.errors import PlaygroundError
from core.sessions.appending import LARGEST_SESSION, LineFile
from core.sessions.aside import Mark, keep_bytes, keep_file
from core.sessions.entries import (
    Entry,
    OfColumn,
    PromptSent,
    RunBegun,
    RunGoesOn,
    RunNamed,
    SessionNamed,
)
from core.sessions.header import LaterVersionError
from core.sessions.journal import Journal
from core.sessions.reading import Contents, read_contents
from core.sessions.restoring import Restored
from core.sessions.summary import Summary

CLOSING = 3.0
"""So many seconds a disk has for what waits when the program ends."""


@dataclass(slots=True)
class Session:
    """A session at hand.

    ``state`` is where one left; ``notes`` are sentences for the person who opened it. ``journal``
    is ``None`` where nothing is saved: another program writes the file, or it cannot be written.
    """

    path: Path
    state: Restored = field(default_factory=Restored)
    notes: tuple[str, ...] = ()
    journal: Journal | None = None
    _has_something: bool = False
    _has_unsaved: bool = False

    def __post_init__(self) -> None:
        """Look whether there is something to keep, of a session that is gone on with."""
        state = self.state
        self._has_something = bool(state.tree.nodes or state.prompts or state.name)

    @property
    def is_saved(self) -> bool:
        """Whether what happens now is kept."""
        return self.journal is not None and not self.journal.fault

    def record(self, entry: Entry) -> None:
        """Keep what has happened; it is cheap, and waits for nothing."""
        self._has_something |= isinstance(entry, RunBegun | OfColumn | PromptSent | SessionNamed)
        if not self.is_saved:
            self._has_unsaved |= isinstance(
                entry, RunBegun | OfColumn | RunGoesOn | RunNamed | SessionNamed
            )
        if self.journal is not None:
            self.journal.write(entry)

    @property
    def unsaved(self) -> str:
        """Why what happened would be lost at the end, in a sentence; empty where nothing would."""
        if self.journal is None:
            return self.notes[-1] if self._has_unsaved and self.notes else ""
        return self.journal.fault if self._has_something else ""

    @property
    def has_fault(self) -> bool:
        """Whether ``take_fault`` has something to tell."""
        return self.journal is not None and self.journal.has_news

    def take_fault(self) -> str:
        """Return, once, a sentence on why nothing is saved any more; empty where all is well."""
        return self.journal.take_fault() if self.journal is not None else ""

    def settled(self) -> None:
        """Say that what was opened is on the screen, and that it did no harm."""
        if self.journal is not None:
            self.journal.then(Mark(self.path).clear)

    def close(self, timeout: float = CLOSING) -> bool:
        """Have all on the disk and let others open it; one without a prompt or run is removed.

        A disk that does not answer within ``timeout`` seconds is left to it; whoever calls again
        waits again.

        Returns:
            Whether all is saved.
        """
        if self.journal is None:
            return True
        self.settled()
        if not self._has_something:
            self.journal.once_on_disk(self.path.unlink)
        return self.journal.close(timeout) or not self._has_something


def open_session(path: Path, largest: int = LARGEST_SESSION) -> Session:
    """Open the session in the file at ``path``, or begin one there.

    A file that is no session, or of a later version, or that ended the program while it was read,
    is renamed, and another begins in its place. What is damaged at a file's end is cut off and kept
    beside it. All that is told in ``notes``.

    Raises:
        PlaygroundError: The name is that of a folder, a pipe, a device or a link to nowhere.
    """
    path = _whole(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open_alone(path, 0o600)
    except TakenError:
        return _looked_at(path, "another program has it open", largest)
    except PlaygroundError:
        if not is_regular_file(path):
            raise PlaygroundError(f"{str(path)!r} is no plain file; give another name") from None
        return _looked_at(path, "the file has another name too, in which it would change", largest)
    except (FileExistsError, NotADirectoryError):
        return _looked_at(path, f"{str(_no_folder(path))!r} is a file, and no folder", largest)
    except IsADirectoryError:
        raise PlaygroundError(f"{str(path)!r} is a folder; give a file's name") from None
    except OSError as error:
        return _looked_at(path, error.strerror or str(error), largest)
    notes: list[str] = []
    try:
        return _opened(path, file, largest, notes)
    except (OSError, TakenError) as error:
        file.close()
        Mark(path).clear()
        why = error.strerror if isinstance(error, OSError) else None
        seen = _looked_at(path, why or str(error), largest)
        seen.notes = (*notes, *seen.notes)
        return seen


def _whole(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PlaygroundError(f"{str(path)!r} is no place for a session: {error}") from None


def _no_folder(path: Path) -> Path:
    """Return what stands where a folder should, on the way to ``path``."""
    return next(one for one in path.parents if os.path.lexists(one))


def _opened(path: Path, file: io.FileIO, largest: int, notes: list[str]) -> Session:
    """Return the session in a file that only this program has open.

    Raises:
        OSError: The folder or the file does not take what must be written.
    """
    size = os.fstat(file.fileno()).st_size
    if not size:
        return _begun(path, file, largest, notes)
    mark = Mark(path)
    if mark.is_set:
        why = "crashed", "ended the program while it was opened"
        return _begun_anew(path, file, largest, notes, why)
    if size > largest:
        return _begun_anew(path, file, largest, notes, ("unreadable", "is too large"))
    mark.set()
    file.seek(0)
    data = file.readall() or b""
    try:
        contents = read_contents(data)
    except LaterVersionError as error:
        return _begun_anew(path, file, largest, notes, ("later", f"cannot be read here: {error}"))
    except ValueError as error:
        return _begun_anew(path, file, largest, notes, ("unreadable", f"cannot be read: {error}"))
    if contents.is_newer:
        file.close()
        mark.clear()
        return _seen(path, contents, "a newer program has written it")
    if contents.fault:
        lost = data[contents.good :]
        kept = keep_bytes(path, "damaged", lost)
        os.ftruncate(file.fileno(), contents.good)
        notes.append(
            f"{contents.fault}; the last {len(lost):,} bytes of {str(path)!r} are kept in"
            f" {kept.name!r}, and all before them is here"
        )
    journal = Journal(LineFile(file, largest), Summary.of(contents.state))
    if contents.interrupted is not None:
        journal.write(contents.interrupted)
    return Session(path, contents.state, tuple(notes), journal)


def _begun(path: Path, file: io.FileIO, largest: int, notes: list[str]) -> Session:
    journal = Journal(LineFile(file, largest), Summary())
    # Else the power may be cut before the disk has heard of the file's name.
    journal.once_on_disk(partial(sync_folder, path.parent))
    return Session(path, notes=tuple(notes), journal=journal)


def _begun_anew(
    path: Path, file: io.FileIO, largest: int, notes: list[str], why: tuple[str, str]
) -> Session:
    """Keep the file under another name, by a word and a reason, and begin another in its place."""
    word, reason = why
    kept = keep_file(path, word)
    Mark(path).clear()
    notes.append(f"{str(path)!r} {reason}; it is kept as {kept.name!r}, and a new session begins")
    file.close()
    return _begun(path, open_alone(path, 0o600), largest, notes)


def _looked_at(path: Path, why: str, largest: int) -> Session:
    """Return a session that is not written: of what can be read of the file, which may be none."""
    try:
        contents = read_contents(read_bytes(path, largest))
    except (FileError, ValueError):
        note = f"nothing is saved in {str(path)!r}: {why}"
        return Session(path, notes=(note,))
    return _seen(path, contents, why)


def _seen(path: Path, contents: Contents, why: str) -> Session:
    note = f"{str(path)!r} is open to look at, and nothing new is saved in it: {why}"
    return Session(path, contents.state, (note,))
