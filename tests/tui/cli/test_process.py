"""The command line as a process of its own: pipes, ctrl+c, terminals, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.usefixtures("in_the_repository")

LONGEST_WAIT = 60


# The program with a scripted backend: `steps` endless tokens where STEP_SECONDS says how long one
# takes, and a terminal's way to take ctrl+c, which a background job does not inherit.
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.places import REPOSITORY
from tests.places import REPOSITORY
from core.backends.scripted import ScriptedBackend
from core.records.steps import TokenStep
from tui.cli import commands as cli
from tui.cli import generate as headless

class Slow(ScriptedBackend):
    def load(self, report):
        report("loading")
        time.sleep(float(os.environ.get("LOAD_SECONDS", "0")))
        return super().load(report)

    def generate(self, request, is_cancelled):
        for event in super().generate(request, is_cancelled):
            yield event
            if isinstance(event, TokenStep):
                time.sleep(float(os.environ.get("STEP_SECONDS", "0")))

texts = [os.environ.get("PIECE", " token")] * 5000
headless.make_backend = lambda choices, model: Slow(texts)
cli.main()
"""

# The program as it is installed, with a terminal's way to take ctrl+c.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tui.__main__ import main
main()
"""


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # what a buffer has read behind a line, communicate() would never see
        env={**os.environ, **environment},
    )


def finish(*arguments, **environment):
    process = start(*arguments, **environment)
    out, err = process.communicate(timeout=LONGEST_WAIT)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("output_format", ["text", "table", "jsonl", "csv", "markdown"])
def test_a_reader_that_goes_away_ends_the_program_quietly(output_format):
    process = start("generate", "a", "--format", output_format, "--steps", "5000")
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read().decode()

    assert process.wait(LONGEST_WAIT) == 141
    assert err.splitlines()[-1] == "model: scripted, cpu, float32, preset greedy"
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize("arguments", [["presets"], ["--help"], ["generate", "a"]])
def test_a_reader_that_was_never_there(arguments):
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=write_end,
        stderr=subprocess.PIPE,
        timeout=LONGEST_WAIT,
        check=False,
    )
    os.close(write_end)

    assert b"Traceback" not in process.stderr
    assert b"BrokenPipe" not in process.stderr
    assert process.returncode in (1, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [["generate", "a", "--steps", "3"], ["--help"], ["score", "-h"], ["--version"]]
)
def test_a_full_disk_is_one_sentence(arguments):
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=LONGEST_WAIT,
            check=False,
        )

    assert process.returncode == 1
    assert process.stderr.decode().splitlines()[-1] == (
        "gpt2-playground: cannot write the results: No space left on device"
    )


def test_ctrl_c_ends_with_what_there_is():
    process = start("generate", "a", "--format", "jsonl", "--steps", "5000", STEP_SECONDS="0.02")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONGEST_WAIT)
    records = [json.loads(line) for line in out.decode().splitlines()]

    assert process.returncode == 130
    assert records[-1]["type"] == "finished"
    assert records[-1]["reason"] == "cancelled"
    assert len(records[-1]["token_ids"]) == len(records) - 1  # the start was read above
    assert err.decode().splitlines()[-1].startswith("finished: stopped, ")
    assert b"Traceback" not in err


def test_a_second_ctrl_c_ends_at_once():
    process = start("generate", "a", "--steps", "5000", STEP_SECONDS="600")
    process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONGEST_WAIT)

    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in err


def test_ctrl_c_while_loading():
    process = start("generate", "a", LOAD_SECONDS="600")
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONGEST_WAIT)

    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_results_come_while_they_are_made():
    process = start("generate", "a", "--steps", "5000", STEP_SECONDS="600")
    began = time.monotonic()
    text = process.stdout.read(6)
    process.kill()
    process.communicate()

    assert text == b" token"
    assert time.monotonic() - began < LONGEST_WAIT


def test_a_pipe_gets_the_text_as_it_is_in_utf8_whatever_the_locale():
    code, out, _ = finish(
        *("generate", "a", "--steps", "2"), PIECE="\x1b[1m日", PYTHONIOENCODING="latin-1"
    )

    assert (code, out) == (0, "\x1b[1m日\x1b[1m日\n")


def test_a_terminal_gets_no_escape_codes_from_the_model():
    child = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, "generate", "a", "--steps", "2"],
        env={**os.environ, "PIECE": "\x1b[2J\x9b1m\rend\n"},
        timeout=LONGEST_WAIT,
        encoding="utf-8",
    )
    shown = child.read()

    assert "\\x1b[2J\\x9b1m\\rend\r\n" in shown
    assert "\x1b" not in shown
    assert "\x9b" not in shown


def test_progress_is_shown_only_where_a_person_sees_it():
    shell = f'"$0" -c "$PROGRAM" generate a --steps 3 --format jsonl >{os.devnull}'
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", shell, sys.executable],
        env={**os.environ, "PROGRAM": PROGRAM, "STEP_SECONDS": "0.01"},
        timeout=LONGEST_WAIT,
        encoding="utf-8",
    )
    assert "step 3 of 3" in child.read()
    assert "step" not in finish("generate", "a", "--steps", "3", "--format", "jsonl")[2]


def test_ctrl_c_before_the_command_line_is_there(tmp_path):
    """While modules are imported: here one that takes its time in typer's place."""
    (tmp_path / "typer.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONGEST_WAIT)

    assert (process.returncode, err) == (130, b"")


@pytest.mark.parametrize("arguments", ["generate a --steps 2", "presets", "--help", "--version"])
def test_standard_output_that_is_closed_is_told_alike(arguments):
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -c "$1" {arguments} >&-', sys.executable, PROGRAM],
        capture_output=True,
        timeout=LONGEST_WAIT,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == (
        "gpt2-playground: cannot write the results: standard output is closed"
    )


@pytest.mark.parametrize(
    ("redirection", "code"), [("<&-", 0), (">&-", 1), ("2>&-", 0), ("<&- >&- 2>&-", 1)]
)
def test_streams_that_are_closed_from_the_start(redirection, code):
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'"$0" -c "$1" generate a --steps 2 {redirection}',
            sys.executable,
            PROGRAM,
        ],
        capture_output=True,
        timeout=LONGEST_WAIT,
        check=False,
    )

    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_no_terminal_is_said_before_anything_is_loaded():
    code, out, err = finish()

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "gpt2-playground generate" in err


def test_the_end_does_not_wait_for_a_thread_that_is_still_at_work():
    program = (
        "import threading, time\n"
        "from tui.cli.streams import leave\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print('shown')\n"
        "leave(3)\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=LONGEST_WAIT, check=False
    )

    assert (done.returncode, done.stdout) == (3, b"shown\n")
    assert time.monotonic() - began < 5
