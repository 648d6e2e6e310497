"""What is written behind Python's back while the app paints: none of it reaches the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pexpect
import pytest

PATIENCE = 30.0

NOISY_APP = """
import os, subprocess, sys
from core.backends.scripted import ScriptedBackend
from tui.cli import commands as cli, open_app

class Noisy(ScriptedBackend):
    def generate(self, request, is_cancelled):
        for event in super().generate(request, is_cancelled):
            os.write(1, b"NOISE")
            os.write(2, b"NOISE")
            subprocess.run(["sh", "-c", "echo NOISE; echo NOISE >&2"])
            yield event
        os.write(2, b"NOISE")

open_app.make_backend = lambda *_arguments, **_more: Noisy()
code = cli.run(["--model", "demo"])
os.write(1, b"to output\\n")
os.write(2, b"to error\\n")
print("printed", os.get_terminal_size(sys.__stdout__.fileno()).columns, code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_noise_stays_off_the_terminal_and_the_streams_come_back(tmp_path):
    own = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    environment = {**os.environ, "TERM": "xterm-256color", **own}
    process = pexpect.spawn(
        sys.executable, ["-c", NOISY_APP], dimensions=(30, 90), env=environment, timeout=PATIENCE
    )
    process.expect("presets")
    process.send("A cat")
    process.expect("cat")
    process.send("\r")
    process.expect("lived")
    written = process.before
    process.send("\x11")
    process.expect("printed 90 0")
    written += process.before
    assert b"NOISE" not in written
    assert b"to output" in written
    assert b"to error" in written
    process.close()


def test_the_streams_come_back_where_the_app_breaks_off():
    program = """
import sys
from tui.app.terminal.streams import terminal_for_the_app
before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
try:
    with terminal_for_the_app():
        print("painted", file=sys.__stderr__)
        raise ValueError
except ValueError:
    assert before == (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    print("whole")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("whole\n", "painted\n")
