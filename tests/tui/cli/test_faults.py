"""The report of a fault: versions and places, and not a word of anyone's text."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from core.faults.circumstances import remember_model
from core.faults.keeping import FAULT_CODE, keep_report
from core.faults.report import report_of
from tui.cli import commands

PRIVATE = "my-diary-is-nobodys-business"


class Panic(BaseException):
    """As a library in Rust raises it."""


def fail(secret=PRIVATE):
    local = secret + "!"
    raise RuntimeError(f"cannot do {local}")


def raised_by(call):
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def chained():
    try:
        fail()
    except RuntimeError as error:
        raise ValueError(PRIVATE) from error


def grouped():
    raise BaseExceptionGroup(PRIVATE, [raised_by(fail), Panic(PRIVATE)])


def endless(secret=PRIVATE):
    endless(secret)


def of_a_system():
    raise OSError(errno.ENOSPC, PRIVATE, f"/home/{PRIVATE}")


def of_no_system():
    raise OSError(PRIVATE, PRIVATE)


def compiled():
    eval(compile("1 / 0", f"\x1b]0;owned\x07{'a' * 999}", "eval"))  # noqa: S307


@pytest.mark.parametrize(
    "call", [fail, chained, grouped, endless, of_a_system, of_no_system, compiled]
)
def test_a_report_has_no_text_of_anyone(call, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", PRIVATE)
    report = report_of(raised_by(call))

    assert PRIVATE not in report
    assert f"tests/tui/cli/test_faults.py:{call.__code__.co_firstlineno + 1}" in report or (
        f" in {call.__name__}" in report
    )
    for name in ("gpt2-playground", "python", "torch", "transformers", "textual", "system"):
        assert any(line.startswith(f"{name} ") for line in report.splitlines())
    assert str(Path.home()) not in report
    assert "\x1b" not in report
    assert len(report) < 10_000


def test_a_report_names_what_was_behind_a_fault():
    report = report_of(raised_by(chained))
    assert report.index("fault: ValueError") < report.index("caused by: RuntimeError")
    assert "one of its faults: tests.tui.cli.test_faults.Panic" in report_of(raised_by(grouped))
    assert "fault: OSError (ENOSPC)" in report_of(raised_by(of_a_system))
    assert "calls more" in report_of(raised_by(endless)) or " times" in (
        report_of(raised_by(endless))
    )


def test_a_report_says_where_the_model_runs():
    remember_model("cpu", "torch.float32", "kernel")
    lines = report_of(raised_by(fail)).splitlines()
    assert {"device cpu", "dtype float32", "engine kernel"} <= set(lines)


def test_a_file_of_the_home_stands_without_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    code = compile("1 / 0", str(tmp_path / "work" / "file.py"), "eval")
    assert "~/work/file.py:1 in <module>" in report_of(raised_by(lambda: eval(code)))  # noqa: S307


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "gpt2-playground"


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, RecursionError, OSError, Panic])
def test_a_command_that_breaks_names_its_report(state, monkeypatch, capsys, kind):
    def broken():
        raise kind(PRIVATE)

    monkeypatch.setattr(commands, "_check_working_directory", broken)
    code = commands.run(["presets"])
    out, err = capsys.readouterr()
    (file,) = state.iterdir()

    assert (code, out) == (FAULT_CODE, "") == (70, "")
    assert err.startswith(f"gpt2-playground: unexpected {kind.__name__}")
    assert err.count("\n") == 1
    assert str(file) in err
    assert PRIVATE not in file.read_text()
    assert f"{kind.__name__}\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["a file", "no permission"])
def test_without_a_place_for_it_the_sentence_comes_all_the_same(state, capsys, there):
    if there == "a file":
        state.parent.mkdir()
        state.write_text("")
    else:
        state.mkdir(parents=True, mode=0o500)
        if os.access(state, os.W_OK):
            pytest.skip("this user may write everywhere")
    sentence = keep_report(raised_by(fail))

    assert sentence.startswith("unexpected RuntimeError: cannot do ")
    assert f"no report could be written in {state}" in sentence


def test_a_thread_that_breaks_ends_the_program_with_a_report(state, monkeypatch, capsys):
    import threading
    import time

    def waits():
        threading.Thread(target=fail).start()
        time.sleep(60)

    monkeypatch.setattr(commands, "_check_working_directory", waits)
    before = threading.excepthook
    code = commands.run(["presets"])
    err = capsys.readouterr().err
    (file,) = state.iterdir()

    assert code == FAULT_CODE
    assert err.count("\n") == 1
    assert str(file) in err
    assert " in fail" in file.read_text()
    assert PRIVATE not in file.read_text()
    assert threading.excepthook is before


def test_a_thread_that_ends_by_itself_is_no_fault(state, monkeypatch, capsys):
    import threading

    def leaves():
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()

    monkeypatch.setattr(commands, "_check_working_directory", leaves)
    assert commands.run(["--version"]) == 0
    assert not state.exists()
