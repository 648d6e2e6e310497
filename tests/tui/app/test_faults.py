"""Faults planted in the app: it ends, the terminal is given back, and a report is left."""

from __future__ import annotations

import os

import pytest
from textual.worker import WorkerFailed

from core.backends.scripted import ScriptedBackend
from core.faults.report import report_of
from tests.terminal import Terminal
from tests.tui.helpers import make_app, ready, until
from tui.main.status_line import StatusLine

PRIVATE = "my-diary-is-nobodys-business"


def broken(*_, **__):
    local = PRIVATE
    raise RuntimeError(f"cannot draw {local}")


class DrawnError(RuntimeError):
    def __rich__(self):
        return PRIVATE


def broken_and_drawn(*_, **__):
    raise DrawnError(PRIVATE)


async def in_a_key(app, pilot, fault):
    app.action_why = fault
    app.check_action = lambda *_: True
    await pilot.press("f9")


async def in_a_timer(app, pilot, fault):
    app.set_timer(0.01, fault)


async def in_a_page_s_render(app, pilot, fault):
    line = app.main.query_one(StatusLine)
    line.render_line = line.render = fault
    line.refresh(layout=True)


async def in_the_drain(app, pilot, fault):
    app.playground.drain = fault
    await pilot.press("a", "enter")


async def in_a_message(app, pilot, fault):
    app.document.send = fault
    await pilot.press("a", "enter")


async def in_a_worker_of_textual(app, pilot, fault):
    app.run_worker(fault, thread=True)


async def after_the_next_frame(app, pilot, fault):
    app.call_after_refresh(fault)


@pytest.mark.parametrize("fault", [broken, broken_and_drawn])
@pytest.mark.parametrize(
    "plant",
    [
        in_a_key,
        in_a_timer,
        in_a_page_s_render,
        in_the_drain,
        in_a_message,
        in_a_worker_of_textual,
        after_the_next_frame,
    ],
)
async def test_a_fault_ends_the_app_and_is_kept(plant, fault, capfd):
    app = make_app(ScriptedBackend())
    with pytest.raises((RuntimeError, WorkerFailed)):  # noqa: PT012
        async with app.run_test() as pilot:
            await ready(pilot)
            await plant(app, pilot, fault)
            await until(pilot, lambda: app.fault is not None)
    out, err = capfd.readouterr()
    report = report_of(app.fault)

    assert PRIVATE not in out + err
    assert PRIVATE not in report
    assert "Traceback" not in out + err
    assert f" in {fault.__name__}\n" in report


async def test_a_bell_is_a_bell():
    app = make_app(ScriptedBackend())
    async with app.run_test():
        try:
            raise ValueError("seen to")
        except ValueError:
            app.bell()
    assert app.fault is None


# The program with a fault planted in it, as the environment says.
PLANTED = """
import os, threading
from core.backends.scripted import ScriptedBackend
from tui.cli import commands as cli, open_app
from tui.app.terminal import driver

class Panic(BaseException):
    pass

def broken(*_, **__):
    secret = os.environ["PRIVATE"]
    raise {"fault": RuntimeError, "panic": Panic}[os.environ["KIND"]](secret)

def start():
    threading.Thread(target=broken).start()

open_app.make_backend = lambda *_, **__: ScriptedBackend()
where = os.environ["WHERE"]
if where == "thread":
    from tui.app.document import DocumentActions
    DocumentActions.send = lambda *_: start()
elif where == "keys":
    driver.LinuxDriver.run_input_thread = broken
else:
    from tui.app.document import DocumentActions
    DocumentActions.send = broken
cli.main()
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("action", "panic"),
        ("thread", "fault"),
        ("keys", "fault"),
    ],
)
def test_the_terminal_is_given_back_and_a_sentence_names_the_report(tmp_path, where, kind):
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PRIVATE": PRIVATE,
        "KIND": kind,
        "WHERE": where,
    }
    terminal = Terminal(100, 30, environment, ("-c", PLANTED))
    if where in ("action", "thread"):
        terminal.wait_for("presets", "F1", "ready")
        terminal.type("tell nobody\r")

    assert terminal.end() == 70
    (report,) = (tmp_path / "state" / "gpt2-playground").glob("fault-*.txt")
    text = report.read_text()
    assert PRIVATE not in text
    assert "tell nobody" not in text
    assert str(tmp_path) not in text
    assert " in broken" in text
    assert b"Traceback" not in terminal.written
    tail = terminal.written.rpartition(b"\x1b[?1049l")[2]
    assert tail.decode().count("gpt2-playground: unexpected") == 1
    assert report.name in tail.decode().replace("\r\n", "")
    for mode in (b"1000l", b"1003l", b"2004l", b"25h"):
        if b"\x1b[?" + mode[:-1] in terminal.written:
            last = terminal.written.rindex(b"\x1b[?" + mode[:-1])
            assert terminal.written[last:].startswith(b"\x1b[?" + mode)
