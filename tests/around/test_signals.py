"""Signals at any moment of the program's life: the terminal is given back, the exit code says why.

And where it is killed, all but the last second is kept. ``make soak`` does both at fifty random
moments; here a few stand for those.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import termios
import time

import pytest

from core.library.functions import read_run
from core.sessions.opening import open_session
from core.sessions.reading import read_contents
from tests.terminal import PATIENCE, Terminal

MOMENTS = int(os.environ.get("SIGNAL_MOMENTS", "3"))
KILLS = int(os.environ.get("SIGNAL_MOMENTS", "1"))
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

# The program, which writes to a file beside it all that its journal is told, and when.
TELLING = """
import os, time
from core.sessions.journal import Journal
from core.sessions.to_json import entry_record, line_of
from tui.cli import commands as cli
told = os.open(os.environ["TOLD"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
write = Journal.write
def tell(journal, entry):
    write(journal, entry)
    os.write(told, b"%f " % time.monotonic() + line_of(entry_record(entry)))
Journal.write = tell
cli.main()
"""


def environment_in(home, **more):
    return {
        **os.environ,
        "TERM": "xterm-256color",
        "HOME": str(home),
        **{f"XDG_{one}_HOME": str(home) for one in ("CONFIG", "DATA", "STATE")},
        "HF_HUB_OFFLINE": "1",
        **more,
    }


def use(terminal, moment):
    """Do what a person does until a moment, in each fourth one no more than start and load."""
    dice = random.Random(moment)  # noqa: S311 - no secret
    if moment % 4:
        terminal.wait_for("presets", "F1")
    until = time.monotonic() + dice.uniform(0.0, 4.0)
    for keys in KEYS * 9:
        if time.monotonic() >= until:
            break
        if moment % 4:
            terminal.type(keys)
        terminal.read()


def settled(terminal):
    """Return how the terminal is set when the program has ended."""
    deadline = time.monotonic() + PATIENCE
    while terminal.process.isalive() and time.monotonic() < deadline:
        terminal.read()
    return termios.tcgetattr(terminal.process.child_fd)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_signal_at_any_moment(tmp_path, monkeypatch, moment):
    monkeypatch.chdir(tmp_path)
    number = SIGNALS[moment % len(SIGNALS)]
    terminal = Terminal(80, 24, environment_in(tmp_path))
    found = termios.tcgetattr(terminal.process.child_fd)
    use(terminal, moment)
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="clocks of two programs")
@pytest.mark.parametrize("moment", range(2, KILLS + 2))  # the first comes before a second is over
def test_killed_at_any_moment(tmp_path, monkeypatch, moment):
    monkeypatch.chdir(tmp_path)
    told = tmp_path / "told"
    terminal = Terminal(80, 24, environment_in(tmp_path, TOLD=str(told)), ("-c", TELLING))
    use(terminal, moment)
    terminal.process.kill(signal.SIGKILL)
    killed = time.monotonic()
    terminal.end()
    assert terminal.process.signalstatus == signal.SIGKILL

    entries = (
        [line.split(b" ", 1) for line in told.read_bytes().splitlines()] if told.exists() else []
    )
    # Of where a person looked, only where they stayed is kept.
    due = [
        line
        for at, line in entries
        if float(at) < killed - 1.0 and b'"type":"looked_at"' not in line
    ]
    assert due or moment != 2
    paths = list((tmp_path / "gpt2-playground" / "sessions").glob("*.jsonl"))
    assert len(paths) == 1 or not due
    for path in paths:
        lines = iter(path.read_bytes().splitlines())
        assert [line for line in due if line not in lines] == [], "all of it is there, in order"
        if path.stat().st_size:
            assert read_contents(path.read_bytes()).fault in ("", "its last line is not whole")
        session = open_session(path)
        assert session.is_saved
        assert all("is not whole" in note for note in session.notes)
        assert session.close()
    for path in tmp_path.glob("*.jsonl"):
        assert read_run(str(path)).text, "what is saved is whole or not there"
