"""The real program in a real terminal, on the bundled model."""

from __future__ import annotations

import sys
import time

import pexpect
import pyte
import pytest

PATIENCE = 60.0


class Terminal:
    """A pseudo-terminal with the program in it, and what a person would see on its screen."""

    def __init__(self, columns, rows, environment):
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "tui.cli", "--model", "demo"],
            dimensions=(rows, columns),
            env=environment,
            timeout=PATIENCE,
        )

    def read(self):
        try:
            data = self.process.read_nonblocking(65536, timeout=0.1)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.written += data
        self._stream.feed(data.replace(b"\x1b[?1049", b"\x1b[?47"))

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


@pytest.fixture
def environment(tmp_path):
    import os

    return {
        **os.environ,
        "TERM": "xterm-256color",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
    }


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_prompt_beams_looking_back_sampling_and_quitting(environment, size):
    terminal = Terminal(*size, environment)
    terminal.wait_for("presets", "F1")
    terminal.type("A long long time ago, ")
    terminal.type("\x1bOQ")  # F2
    terminal.wait_for("A long long time ago,", "beam ◂")
    terminal.type("\r")
    terminal.wait_for("the length asked for is reached", "step 121 of 121")
    terminal.type("\x1b[D")
    terminal.wait_for("step 120 of 121")
    terminal.type("\x1b[C\x1bOR")  # right, F3
    terminal.wait_for("step 121 of 121", "sample ◂")
    terminal.type("Then ")
    terminal.wait_for("Then")
    terminal.type("\r")
    terminal.wait_for("· sample", "tok/s")
    began = time.monotonic()
    terminal.type("\x11")  # ctrl+q
    while terminal.process.isalive() and time.monotonic() < began + PATIENCE:
        terminal.read()
    terminal.read()
    terminal.process.close()
    assert terminal.process.exitstatus == 0
    assert b"\x1b[?1049l" in terminal.written
    assert b"Traceback" not in terminal.written
