"""Standard output, error and input as a command-line program meets them: pipes, terminals, neither.

Must never import textual or torch, and never lets a reader who went away become a traceback.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, NoReturn

from core.records.errors import PlaygroundError
from core.text.visible import cell_width, marks_behind, one_line, visible

PROGRAM = "gpt2-playground"
CLOSED_PIPE_CODE = 128 + 13  # as if SIGPIPE had ended the program, which is what a shell expects
INTERRUPTED_CODE = 130


class ClosedPipe(Exception):  # noqa: N818
    """Nobody reads standard output any more: there is nothing left to do, and nobody to tell."""


class RunFailed(PlaygroundError):  # noqa: N818
    """Something went wrong after a run had begun."""


def note(text: str, stream: IO[str] | None = None) -> None:
    """Write one line to standard error; control characters in it are spelled out."""
    with contextlib.suppress(OSError):  # a closed standard error is no reason to stop
        print(one_line(text), file=stream or sys.stderr, flush=True)


def complain(sentence: str) -> None:
    """Write why the program stops as one line to standard error, or where a person sees it."""
    note(f"{PROGRAM}: {sentence}", _complaints())


def _complaints() -> IO[str]:
    """Return standard error, or where that was closed a terminal that is standard output."""
    if sys.__stderr__ is None and sys.stdout.isatty():
        return sys.stdout
    return sys.stderr


class _Shown:
    """What a terminal is given, piece by piece: marks may stack up over several."""

    _marks = 0

    def __call__(self, text: str) -> str:
        shown = visible(text, marks=self._marks)
        self._marks = marks_behind(text, self._marks)
        return shown


_shown = _Shown()


def emit(text: str) -> None:
    """Write a result to standard output at once; to a terminal without control characters.

    Raises:
        ClosedPipe: The reader has gone.
        RunFailed: Standard output cannot take it, for example because a disk is full.
    """
    if isinstance(sys.stdout, _ClosedOutput):
        raise RunFailed("cannot write the results: standard output is closed")
    try:
        sys.stdout.write(_shown(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ClosedPipe from None
    except OSError as error:
        raise RunFailed(f"cannot write the results: {error.strerror or error}") from None


class StageNotes:
    """Notes each stage of what takes long once, however often its share is reported.

    ``what`` stands before them.
    """

    def __init__(self, what: str) -> None:
        self._what, self._last = what, ""

    def __call__(self, stage: str, share: float | None = None, /) -> None:
        """Note a stage; see ``core.records.progress.Report``."""
        if stage != self._last:
            note(f"{self._what}: {stage}")
        self._last = stage


class Progress:
    """One changing line on standard error, as wide as that terminal at most."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown

    def show(self, text: str) -> None:
        """Replace the line by ``text``, or remove it where that is empty."""
        if not self._is_shown:
            return
        with contextlib.suppress(OSError):  # a closed standard error is no reason to stop
            width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
            text = one_line(text)
            while 0 < width < cell_width(text):
                text = text[:-1]
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Give an event that the first ctrl+c sets; a second one ends the process at once."""
    cancelled = threading.Event()
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.SIG_IGN:  # started in the background: ctrl+c is meant for others
        yield cancelled
        return

    def cancel(_number: int, _frame: object) -> None:
        cancelled.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, cancel)
    try:
        yield cancelled
    finally:
        signal.signal(signal.SIGINT, previous)


def prepare_streams() -> None:
    """Make the standard streams usable whatever they are: closed, a file, a terminal."""
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _ClosedOutput()
    sys.stderr = sys.stderr or _nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def leave(code: int) -> NoReturn:
    """End the process with ``code`` at once.

    Neither a thread that is still at work nor the taking down of torch, most of a second, is
    waited for.
    """
    try:
        sys.stdout.flush()
    except OSError:
        # The interpreter flushes once more at its end, and would report this then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or CLOSED_PIPE_CODE
    if threading.active_count() > 1 or "torch" in sys.modules:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


class _ClosedOutput(io.TextIOWrapper):
    """Standard output that was closed before the program began.

    It takes what libraries print, and its place, so that no file that is opened gets it.
    """

    def __init__(self) -> None:
        super().__init__(io.BufferedWriter(io.FileIO(os.devnull, "w")), encoding="utf-8")


def _nowhere(mode: Literal["r", "w"]) -> io.TextIOWrapper:
    return Path(os.devnull).open(mode, encoding="utf-8")
