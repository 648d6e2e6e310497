"""Signals at any moment of the program's life: the terminal is given back, the exit code says why.

``make soak`` sends them at fifty random moments; here a few stand for those.
"""

from __future__ import annotations

import os
import random
import signal
import termios
import time

import pytest

from tests.terminal import PATIENCE, Terminal

MOMENTS = int(os.environ.get("SIGNAL_MOMENTS", "3"))
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

# What a person does, piece by piece: a run, a fork in it, the tree, and a run saved.
KEYS = (
    "Once upon a time\r",
    "\x1b[D",
    "2",
    "\x1b[D",
    "\x13run.jsonl\r",
    " Then\r",
    "\x1bOQ",
    " x\r",
)


def settled(terminal):
    """Return how the terminal is set when the program has ended."""
    deadline = time.monotonic() + PATIENCE
    while terminal.process.isalive() and time.monotonic() < deadline:
        terminal.read()
    return termios.tcgetattr(terminal.process.child_fd)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_signal_at_any_moment(tmp_path, moment):
    dice = random.Random(moment)  # noqa: S311 - no secret
    number = SIGNALS[moment % len(SIGNALS)]
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "HOME": str(tmp_path),
        **{f"XDG_{one}_HOME": str(tmp_path) for one in ("CONFIG", "DATA", "STATE")},
        "HF_HUB_OFFLINE": "1",
    }
    terminal = Terminal(80, 24, environment)
    found = termios.tcgetattr(terminal.process.child_fd)
    if moment % 4:  # else while it starts and loads
        terminal.wait_for("presets", "F1")
    until = time.monotonic() + dice.uniform(0.0, 4.0)
    for keys in KEYS * 9:
        if time.monotonic() >= until:
            break
        if moment % 4:
            terminal.type(keys)
        terminal.read()
    terminal.process.kill(number)
    left = settled(terminal)

    # What came before Python could hear of it ends the program as the system does.
    code = terminal.end()
    by_the_system = terminal.process.signalstatus
    assert code == 128 + number or (code is None and by_the_system == number and not moment % 4)
    for mode in (b"1049l", b"1000l", b"1003l", b"2004l", b"25h"):
        if b"\x1b[?" + mode[:-1] in terminal.written:
            last = terminal.written.rindex(b"\x1b[?" + mode[:-1])
            assert terminal.written[last:].startswith(b"\x1b[?" + mode), (mode, moment)
    assert b"Traceback" not in terminal.written
    assert not list(tmp_path.rglob("fault-*.txt"))
    assert left == found
