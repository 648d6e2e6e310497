"""The real program in a real terminal, on the bundled model."""

from __future__ import annotations

import os
import signal
import termios
import time
from pathlib import Path

import pytest

from tests.terminal import PATIENCE, SCRIPTED, Terminal


@pytest.fixture
def environment(tmp_path):
    return {
        **os.environ,
        "TERM": "xterm-256color",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
    }


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_prompt_beams_looking_back_sampling_and_quitting(environment, size):
    terminal = Terminal(*size, environment)
    terminal.wait_for("presets", "F1")
    terminal.type("A long long time ago,")
    terminal.type("\x1bOQ")  # F2
    terminal.wait_for("A long long time ago,", "beam ◂")
    terminal.type("\r")
    terminal.wait_for("the length asked for is reached", "step 121 of 121")
    terminal.type("\x1b[D")
    terminal.wait_for("step 120 of 121")
    terminal.type("\x1b[C\x1bOR")  # right, F3
    terminal.wait_for("step 121 of 121", "sample ◂")
    terminal.type(" Then")
    terminal.wait_for("Then")
    terminal.type("\r")
    terminal.wait_for("· sample", "tok/s")
    terminal.type("\x11")  # ctrl+q
    assert terminal.end() == 0
    assert b"\x1b[?1049l" in terminal.written
    assert b"Traceback" not in terminal.written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(environment, number):
    terminal = Terminal(80, 24, environment)
    terminal.wait_for("presets", "F1")
    terminal.process.kill(number)

    assert terminal.end() == 128 + number
    # Out of the alternate screen, no mouse, no pasting in brackets, the cursor to be seen.
    for mode in (b"1049l", b"1000l", b"1003l", b"2004l", b"25h"):
        last = terminal.written.rindex(b"\x1b[?" + mode[:-1])
        assert terminal.written[last:].startswith(b"\x1b[?" + mode)
    assert b"Traceback" not in terminal.written


def test_a_terminal_that_goes_away_ends_the_program(environment):
    terminal = Terminal(80, 24, environment)
    terminal.wait_for("presets", "F1")
    terminal.type("A long long time ago, \r")
    terminal.wait_for("step")
    terminal.process.ptyproc.fileobj.close()
    deadline = time.monotonic() + PATIENCE
    while terminal.process.isalive() and time.monotonic() < deadline:
        time.sleep(0.1)

    assert not terminal.process.isalive()
    assert terminal.process.exitstatus == 128 + signal.SIGHUP


def test_bytes_that_are_no_text_do_not_end_the_program(environment):
    terminal = Terminal(80, 24, environment)
    terminal.wait_for("presets", "F1")
    terminal.type(b"one \xff two \xc3")
    terminal.wait_for("one \ufffd two")
    terminal.type(b"\xa9t\xc3\xa9 \xed\xa0\x80 \x9b three")
    terminal.wait_for("one \ufffd two été ", " three")
    terminal.type("\x11")  # ctrl+q

    assert terminal.end() == 0
    assert b"Traceback" not in terminal.written


def _threads(terminal):
    """Return how many threads the program has, where the system tells."""
    tasks = Path(f"/proc/{terminal.process.pid}/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 0


@pytest.mark.parametrize("stop", [None, signal.SIGTSTP, signal.SIGSTOP])
def test_stopped_and_continued_the_program_gives_back_what_it_found(environment, stop):
    terminal = Terminal(80, 24, environment, ("-c", SCRIPTED))
    found = termios.tcgetattr(terminal.process.child_fd)
    terminal.wait_for("presets", "F1", "ready", "0/1,024")
    taken, threads = termios.tcgetattr(terminal.process.child_fd), _threads(terminal)
    shown = terminal.screen.display
    for _ in range(3):
        if stop is not None:
            terminal.process.kill(stop)
            os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
        if stop == signal.SIGTSTP:
            assert termios.tcgetattr(terminal.process.child_fd) == found
        terminal.screen.reset()  # as another program may leave it
        terminal.process.kill(signal.SIGCONT)
        terminal.wait_for("presets", "F1", "ready")
    terminal.read()
    assert terminal.screen.display == shown
    assert termios.tcgetattr(terminal.process.child_fd) == taken
    assert _threads(terminal) <= threads
    terminal.type("still here")
    terminal.wait_for("still here")
    terminal.type("\x11")  # ctrl+q
    deadline = time.monotonic() + PATIENCE
    while terminal.process.isalive() and time.monotonic() < deadline:
        terminal.read()

    assert termios.tcgetattr(terminal.process.child_fd) == found
    assert terminal.end() == 0
