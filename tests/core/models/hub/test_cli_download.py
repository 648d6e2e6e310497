"""``gpt2-playground download`` as a process of its own: what it writes where, and how it ends."""

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

from core.models.hub.download import DownloadProgress, find_cached
from tests.core.models.hub.conftest import model_files
from tests.core.models.hub.server import until
from tui.common.download_words import describe, format_seconds

LONGEST_WAIT = 60
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job does not inherit it
from tui.cli import commands as cli
from tui.cli.models import download as cli_download
if not any(command.name == "download" for command in cli.app.registered_commands):
    cli.app.command("download")(cli_download.download_command)
cli.main()
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=LONGEST_WAIT)
    assert "Traceback" not in err
    return process.returncode, out, err


@pytest.fixture
def tiny(hub):
    hub.add("owner/tiny", model_files(shapes={"a": (1500, 1000)}))
    return hub


def test_the_folder_is_the_only_result(tiny):
    code, out, err = finish(start("download", "owner/tiny"))

    assert code == 0
    assert Path(out.rstrip("\n")) == find_cached("owner/tiny")
    assert err.splitlines()[-1].startswith("owner/tiny: 6.0 MB of 6.0 MB (100%)")
    assert len(err.splitlines()) <= 3
    assert "\r" not in err


def test_ctrl_c_keeps_what_has_come(tiny, cache):
    tiny.behaviour.bytes_per_second = 1e6
    process = start("download", "owner/tiny")
    until(lambda: any(path.stat().st_size > 300_000 for path in cache.rglob("*.incomplete")))
    process.send_signal(signal.SIGINT)
    began = time.monotonic()

    code, out, err = finish(process)

    assert time.monotonic() - began < 2
    assert (code, out) == (130, "")
    assert "that have come are kept" in err.splitlines()[-1]
    kept = next(cache.rglob("*.incomplete")).stat().st_size
    tiny.behaviour.bytes_per_second = None

    assert finish(start("download", "owner/tiny"))[0] == 0
    assert tiny.requested("model.safetensors")[-1].start == kept


@pytest.mark.parametrize(("name", "code"), [("a b", 2), ("../x", 2), ("demo", 2), ("owner/no", 1)])
def test_complaints(hub, name, code):
    returned, out, err = finish(start("download", name))

    assert (returned, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("gpt2-playground: ")


def test_no_network_is_told_in_time(hub, monkeypatch):
    hub.close()
    began = time.monotonic()

    code, out, err = finish(start("download", "gpt2-xl"))

    assert time.monotonic() - began < 15
    assert (code, out) == (1, "")
    assert err.startswith(f"gpt2-playground: cannot reach {hub.address} to download 'gpt2-xl'")
    assert len(err.splitlines()) == 1


def test_offline(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    code, _, err = finish(start("download", "gpt2-xl"))

    assert code == 1
    assert "HF_HUB_OFFLINE is set" in err
    assert not hub.seen


def test_a_terminal_sees_one_changing_line(tiny):
    tiny.behaviour.bytes_per_second = 6e6
    terminal = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, "download", "owner/tiny"],
        env={**os.environ, "TERM": "xterm"},
        dimensions=(24, 60),
        encoding="utf-8",
        timeout=LONGEST_WAIT,
    )
    terminal.expect(pexpect.EOF)
    terminal.close()

    lines = terminal.before.split("\r\x1b[K")
    assert terminal.exitstatus == 0
    assert len(lines) > 4
    assert any("MB/s" in line for line in lines)
    assert all(len(line) < 60 for line in lines[:-1])
    assert lines[-1].strip() == str(find_cached("owner/tiny"))


def test_a_narrow_terminal_sees_one_line_where_the_folder_goes_elsewhere(tiny):
    tiny.behaviour.bytes_per_second = 6e6
    terminal = pexpect.spawn(
        "/bin/sh",
        ["-c", f'"$0" -c "$PROGRAM" download owner/tiny >{os.devnull}', sys.executable],
        env={**os.environ, "TERM": "xterm", "PROGRAM": PROGRAM},
        dimensions=(24, 30),
        encoding="utf-8",
        timeout=LONGEST_WAIT,
    )
    lines = terminal.read().split("\r\x1b[K")
    assert len(lines) > 4
    assert all(len(line) < 30 for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")],
)
def test_seconds_in_words(seconds, text):
    assert format_seconds(seconds) == text


def test_progress_in_words():
    at_work = DownloadProgress("gpt2-xl", 1_200_000_000, 6_432_000_000, 45.3e6, 115.4, "a.bin")
    stalled = DownloadProgress("gpt2-xl", 0, 6_432_000_000, 0.0, None, "a.bin")

    assert describe(at_work) == (
        "gpt2-xl: 1.2 GB of 6.4 GB (18%), 45.3 MB/s, 1 min 55 s left, a.bin"
    )
    assert describe(stalled) == "gpt2-xl: 0 bytes of 6.4 GB (0%), 0 bytes/s, a.bin"


GENERATE = ("generate", "w1 w2", "--preset", "greedy", "--steps", "3", "--format", "jsonl")


def test_a_model_asked_for_by_name_is_fetched_and_runs(hub, tiny_model):
    hub.add("owner/tiny", tiny_model)
    code, out, err = finish(start(*GENERATE, "--model", "owner/tiny"))

    assert code == 0
    assert "owner/tiny is not on this machine; fetching it" in err
    types = [json.loads(line)["type"] for line in out.splitlines()]
    assert types == ["started", *["step"] * 3, "finished"]
    code, out, err = finish(start(*GENERATE, "--model", "owner/tiny"))
    assert code == 0
    assert "fetching" not in err


def test_a_model_that_no_hub_has_is_told_in_a_sentence(hub):
    code, out, err = finish(start(*GENERATE, "--model", "owner/missing"))

    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 2
    assert "owner/missing" in err.splitlines()[-1]
