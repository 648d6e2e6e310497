"""A session by what a person calls it: its name, its number in the list, its file.

Must never open a session, nor choose between two.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.records.errors import PlaygroundError
from core.sessions.folder import SUFFIX, ListedSession, SessionsFolder, look_into


def is_path(called: str) -> bool:
    """Whether ``called`` is a file's name rather than a session's."""
    return os.sep in called or called.endswith(SUFFIX) or called.startswith("~")


def path_called(called: str) -> Path:
    """Return the file of that name; ``~`` is the home folder, where somebody has it."""
    return Path(os.path.expanduser(called))  # noqa: PTH111 - a home that nobody has is a name


def find_session(folder: SessionsFolder, called: str) -> ListedSession:
    """Return the session that ``called`` is: name, number from 1, file's name, or path.

    A name comes before a number, and capitals do not matter where there is one such name alone.

    Raises:
        PlaygroundError: There is none, or several have that name.
    """
    listed = folder.listed()
    named = [one for one in listed if one.summary.name]
    found = [one for one in named if one.summary.name == called] or _alike(named, called)
    if len(found) > 1:
        files = ", ".join(one.path.name for one in found)
        raise PlaygroundError(f"{len(found)} sessions are called {called!r}; say which: {files}")
    if found:
        return found[0]
    if called.isascii() and called.isdigit() and 0 < int(called) <= len(listed):
        return listed[int(called) - 1]
    for one in listed:
        if called in (one.path.name, one.path.stem):
            return one
    looked = look_into(path_called(called)) if is_path(called) else None
    if looked is None:
        raise PlaygroundError(
            f"there is no session {called!r}; gpt2-playground sessions lists those that there are"
        )
    return looked


def _alike(named: Sequence[ListedSession], called: str) -> list[ListedSession]:
    wanted = called.strip().casefold()
    return [one for one in named if one.summary.name.casefold() == wanted]
