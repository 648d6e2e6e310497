"""``gpt2-playground download NAME``: a model fetched before it is needed.

Must never import textual or a model library. The folder goes to standard output, progress to
standard error: a changing line on a terminal, a line now and then elsewhere.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.models.hub.download import DownloadCancelled, DownloadProgress, download, repository
from core.records.errors import PlaygroundError
from tui.cli.streams import (
    INTERRUPTED_CODE,
    Progress,
    RunFailed,
    cancel_on_interrupt,
    complain,
    emit,
    note,
)
from tui.common.download_words import describe

_LINE_EVERY = 10.0  # seconds between two lines where standard error is no terminal


def download_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A model on the hub: gpt2-xl, gpt2, or OWNER/NAME.",
            show_default=False,
        ),
    ],
) -> int:
    """Fetch the model NAME into the Hugging Face cache, or go on where that stopped.

    Its folder is written to standard output, everything else to standard error.
    """
    return run_download(name)


def run_download(name: str) -> int:
    """Fetch ``name`` and write its folder to standard output; return the exit code.

    Ctrl+c stops it and keeps what has come.

    Raises:
        PlaygroundError: Nothing on a hub can have that name.
        RunFailed: The download failed.
        ClosedPipe: Nobody reads standard output.
    """
    repository(name)
    try:
        folder = fetch(name)
    except DownloadCancelled as error:
        complain(str(error))
        return INTERRUPTED_CODE
    except PlaygroundError as error:
        raise RunFailed(str(error)) from None
    emit(f"{folder}\n")
    return 0


def fetch(name: str) -> Path:
    """Fetch ``name`` with progress on standard error and return its folder.

    Raises:
        DownloadCancelled: Ctrl+c stopped it; what has come is kept.
        PlaygroundError: The download failed.
    """
    line = DownloadLine()
    try:
        with cancel_on_interrupt() as cancelled:
            return download(name, line.show, cancelled.is_set)
    finally:
        line.clear()


class DownloadLine:
    """How far a download has come, on standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._progress = Progress(is_shown=self._is_terminal)
        self._next_line = 0.0

    def show(self, progress: DownloadProgress) -> None:
        """Show ``progress`` in place of what stood there, or as a line if one is due."""
        if self._is_terminal:
            self._progress.show(describe(progress))
            return
        is_whole = progress.bytes_done >= progress.bytes_total
        if is_whole or time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY
            note(describe(progress))

    def clear(self) -> None:
        """Take the line away."""
        self._progress.show("")
