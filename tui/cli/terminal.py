"""Whether there is a terminal on which the app can draw, and from which it can read keys.

Must never import textual, nor write to the terminal: this is asked before anything starts.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO

from core.records.errors import PlaygroundError
from tui.cli.streams import PROGRAM

_WITHOUT_A_SCREEN = ("", "dumb", "unknown")
_CURSOR_ADDRESS = "cup"
_ANSI = b"\x1b["


def check_terminal() -> None:
    """Make sure that the app can open here.

    textual reads keys from the standard input that the process began with, takes its size from
    standard output, and draws on standard error by the escape codes of ECMA-48.

    Raises:
        PlaygroundError: One of the three is no terminal, or the terminal cannot draw or has no
            size.
    """
    streams = {
        "standard input": sys.__stdin__,
        "standard output": sys.__stdout__,
        "standard error": sys.__stderr__,
    }
    for name, stream in streams.items():
        if not _is_terminal(stream):
            raise PlaygroundError(
                f"the playground needs a terminal, and {name} is none; without one, use: "
                f"{PROGRAM} generate PROMPT"
            )
    kind = os.environ.get("TERM", "")
    if not _can_draw(kind):
        what = f"TERM={kind} is" if kind else "without TERM it is"
        raise PlaygroundError(
            f"the playground needs a terminal that can move its cursor, and {what} none; where it "
            f"can, set TERM=xterm-256color, or use: {PROGRAM} generate PROMPT"
        )
    if min(shutil.get_terminal_size(fallback=(0, 0))) < 1:  # textual would draw without end
        raise PlaygroundError(
            "the playground needs a terminal of a known size, and this one tells none; set it: "
            "stty rows 24 columns 80"
        )


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed since
        return False


def _can_draw(kind: str) -> bool:
    """Return whether a terminal of this kind is steered as textual does it.

    One that the system's terminfo does not know is taken at its word: new terminals are in none.
    """
    if kind.lower() in _WITHOUT_A_SCREEN:
        return False
    try:
        import curses
    except ImportError:  # some builds of Python have none
        return True
    try:
        curses.setupterm(kind)
    except (UnicodeError, curses.error):
        return True
    return (curses.tigetstr(_CURSOR_ADDRESS) or b"").startswith(_ANSI)
