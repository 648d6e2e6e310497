"""The session that a program begins with: the one it was told, the one left last, or a new one.

Must never let a file be renamed that a person named and that is no session.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path

from core.records.errors import PlaygroundError
from core.sessions.finding import find_session, is_path, path_called
from core.sessions.folder import SessionsFolder, look_into
from core.sessions.opening import Session, open_session


def start_session(
    folder: SessionsFolder, called: str | None = None, *, is_new: bool = False
) -> Session:
    """Open the session to begin with.

    Args:
        folder: Where sessions lie.
        called: A session as ``find_session`` takes it, or a file, in which one begins where it is
            not there; ``None`` for the one that was left last.
        is_new: Whether a new one begins in the place of that.

    Raises:
        PlaygroundError: There is no such session, the file is something else, or it is neither
            there nor can be written.
    """
    if called is not None:
        session = open_and_remember(folder, path_named(folder, called))
        state = session.state
        if session.journal is None and not state.tree.nodes and not state.prompts:
            raise PlaygroundError(session.notes[-1])
        return session
    last = None if is_new else folder.last()
    return open_and_remember(folder, last or folder.new_path())


def open_and_remember(folder: SessionsFolder, path: Path) -> Session:
    """Open a session, from then on the one left last; see ``open_session``.

    That it is the last is written down by its journal, since a disk may be slow.

    Raises:
        PlaygroundError: The name is that of a folder, a pipe, a device or a link to nowhere.
    """
    session = open_session(path)
    if session.journal is not None:
        session.journal.once_on_disk(partial(folder.remember, session.path))
    return session


def path_named(folder: SessionsFolder, called: str) -> Path:
    """Return the file of the session that a person named, in which one may begin.

    Args:
        folder: Where sessions lie.
        called: A session as ``find_session`` takes it, or a file, which need not be there.

    Raises:
        PlaygroundError: There is no such session, or the file is something else, which is then
            left as it is.
    """
    if not called:
        raise PlaygroundError("the session's name is empty; give a name or a file")
    if is_path(called) or os.path.lexists(called):
        path = path_called(called)
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # opening it says why not
            path = path.resolve()
        listed = look_into(path)
    else:
        listed = find_session(folder, called)
        path = listed.path
    if listed is not None and listed.fault:
        raise PlaygroundError(f"{str(path)!r} cannot be opened: {listed.fault}")
    return path
