"""Where there is nothing to draw on or to read keys from, the app does not start."""

from __future__ import annotations

import os
import subprocess
import sys

import pexpect
import pytest

pytestmark = pytest.mark.usefixtures("in_the_repository")

LONGEST_WAIT = 20

# The program; where it comes as far as the app, it says so and opens none.
PROGRAM = """
from tui.cli import commands as cli, open_app
open_app.open_book = lambda choices: print("the app would open") or exit(0)
cli.main()
"""


def in_a_terminal(redirection="", *, size=(24, 80), **environment):
    """Run the program on a terminal; return its exit code and what the terminal shows."""
    unset = ("TERM", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f'exec "$0" -c "$PROGRAM" {redirection}', sys.executable],
        env={**kept, "PROGRAM": PROGRAM, **environment},
        timeout=LONGEST_WAIT,
        encoding="utf-8",
        dimensions=size,
    )
    shown = child.read()
    child.close()
    return child.exitstatus, shown


@pytest.mark.parametrize("kind", ["dumb", "unknown", "DUMB", "", None])
def test_a_terminal_that_cannot_draw(kind):
    code, shown = in_a_terminal(**({} if kind is None else {"TERM": kind}))

    assert code == 2
    assert shown.startswith("gpt2-playground: the playground needs a terminal that can move its ")
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def is_known(kind):
    look = f"import curses; curses.setupterm({kind!r}, 1)"
    return not subprocess.run(
        [sys.executable, "-c", look], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("kind", ["vt52", "lpr", "emacs", "tty33", "hp+color", "wyse50"])
def test_a_terminal_that_is_steered_otherwise(kind):
    if not is_known(kind):
        pytest.skip("this system does not know it")
    code, shown = in_a_terminal(TERM=kind)

    assert (code, shown.count("\n")) == (2, 1)
    assert f"TERM={kind} is none" in shown


@pytest.mark.parametrize(
    "kind", ["xterm-256color", "linux", "vt220", "screen", "newer-than-all", "\udcff"]
)
def test_a_terminal_that_draws_or_may(kind):
    assert in_a_terminal(TERM=kind) == (0, "the app would open\r\n")


@pytest.mark.parametrize(
    ("redirection", "stream"),
    [
        ("</dev/null", "standard input"),
        ("<&-", "standard input"),
        (">/dev/null", "standard output"),
        (">&-", "standard output"),
        ("| cat", "standard output"),
    ],
)
def test_a_stream_that_is_no_terminal(redirection, stream):
    code, shown = in_a_terminal(redirection, TERM="xterm")

    assert code == (0 if "cat" in redirection else 2)
    assert shown.startswith(f"gpt2-playground: the playground needs a terminal, and {stream} is")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("redirection", ["2>{file}", "2>/dev/null", "2>/dev/full"])
def test_standard_error_that_is_no_terminal(tmp_path, redirection):
    file = tmp_path / "errors"
    code, shown = in_a_terminal(redirection.format(file=file), TERM="xterm")

    assert (code, shown) == (2, "")
    if "{file}" in redirection:
        assert "needs a terminal, and standard error is none; " in file.read_text()


def test_standard_error_that_is_closed():
    code, shown = in_a_terminal("2>&-", TERM="xterm")

    assert code == 2
    assert "needs a terminal, and standard error is none; " in shown


@pytest.mark.parametrize("rows", [0, 24])
def test_a_terminal_without_a_size(rows):
    """As of a container or a serial line: textual would paint it anew without end."""
    code, shown = in_a_terminal(size=(rows, 0 if rows else 80), TERM="xterm")

    assert code == 2
    assert "a terminal of a known size, and this one tells none" in shown


def test_a_terminal_whose_size_is_in_the_environment():
    code, shown = in_a_terminal(size=(0, 0), TERM="xterm", COLUMNS="80", LINES="24")

    assert (code, shown.strip()) == (0, "the app would open")
