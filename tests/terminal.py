"""The program in a real terminal, and what a person would see on its screen."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

import pexpect
import pyte

PATIENCE = 60.0

# The program with a scripted backend, which is ready at once.
SCRIPTED = """
from core.backends.scripted import ScriptedBackend
from tui.cli import commands as cli, open_app
open_app.make_backend = lambda *_, **__: ScriptedBackend()
cli.main()
"""


def _hears_signals():
    """Undo what ``nohup make test &`` hands down: a program that a signal does not end."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A pseudo-terminal with the program in it, and what a person would see on its screen."""

    def __init__(self, columns, rows, environment, program=("-m", "tui"), folder=None):
        # Workers of pytest-xdist hand down a size of their own, which would count for more.
        environment = {k: v for k, v in environment.items() if k not in ("COLUMNS", "LINES")}
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.process = pexpect.spawn(
            sys.executable,
            [*program, "--model", "demo"],
            dimensions=(rows, columns),
            env=environment,
            cwd=folder,
            timeout=PATIENCE,
            preexec_fn=_hears_signals,
        )

    def read(self, timeout=0.1):
        try:
            data = self.process.read_nonblocking(65536, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.written += data
        self._draw(data)

    def _draw(self, data):
        self._stream.feed(data.replace(b"\x1b[?1049", b"\x1b[?47"))

    def look(self, seconds):
        """Read for so many seconds, and draw what has come then."""
        self._draw(self.gather(seconds))

    def gather(self, seconds):
        """Read for so many seconds; return the bytes, of which nothing is drawn."""
        return self._gather(b"", seconds)

    def _gather(self, awaited, seconds):
        """Read for so many seconds, or until the bytes ``awaited`` have come."""
        handle, found = self.process.child_fd, b""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0 and not (awaited and awaited in found):
            if select.select([handle], [], [], left)[0]:
                try:
                    found += os.read(handle, 65536)
                except OSError:  # the program has ended
                    break
        self.written += found
        return found

    def answer_seconds(self, keys, answer, patience):
        """Type ``keys``; return after how many seconds the bytes ``answer`` have come.

        Without an answer that is ``patience``. Of what comes nothing is drawn: that takes time.
        """
        began = time.perf_counter()
        os.write(self.process.child_fd, keys.encode())
        self._gather(answer, patience)
        return time.perf_counter() - began

    def resize(self, columns, rows):
        self.process.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def wait_for(self, *texts):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.read()
            shown = "\n".join(self.screen.display)
            if all(text in shown for text in texts):
                return shown
        raise AssertionError(f"{texts} never came; there was:\n" + "\n".join(self.screen.display))

    def type(self, text):
        self.process.send(text)

    def end(self):
        """Read until the program has ended; return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.isalive() and time.monotonic() < deadline:
            self.read()
        before = -1
        while len(self.written) > before:  # what a terminal still holds comes piece by piece
            before = len(self.written)
            self.read()
        self.process.close()
        return self.process.exitstatus
