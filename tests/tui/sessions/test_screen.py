"""The page of sessions: what each row tells, and what every key does."""

from __future__ import annotations

import threading
import time

import pytest
from textual.widgets import Input

from core.records.errors import PlaygroundError
from tests.tui.helpers import until
from tests.tui.screen_app import check_harmless, shown
from tests.tui.sessions.listed import SESSIONS, Opened, session
from tui.common.dialog import DialogScreen
from tui.common.row_picker import RowPicker
from tui.inputs.screen import InputScreen
from tui.sessions.rows import Columns, session_row

SIZE = (110, 30)


async def drawn(pilot, opened):
    await until(pilot, lambda: opened.screen.is_current and " · " in shown(pilot))
    await pilot.pause()


def line_of(pilot, text):
    return next(line for line in shown(pilot).splitlines() if text in line)


async def test_every_session_is_a_row():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        first = line_of(pilot, "◉").split("  ")
        assert first[0].strip() == "◉ A long long time ago, in a land"
        facts = line_of(pilot, "◉").split()
        assert facts[-6:] == ["12", "1.2", "MB", "2026-11-30", "09:30", "demo"]
        assert "○ the lesson of Monday  Once upon" in shown(pilot)
        assert "○ it is no session of this program" in shown(pilot)
        assert "sessions  5 · " in shown(pilot)
        assert "begun by version 0.1.0" in shown(pilot)


@pytest.mark.parametrize("size", [(20, 10), (80, 24), (120, 40), (200, 60)])
async def test_hostile_names_and_words_are_harmless_at_every_size(size):
    opened = Opened()
    async with opened.app.run_test(size=size) as pilot:
        await until(pilot, lambda: opened.screen.is_current and opened.screen.picked is not None)
        for _ in SESSIONS:
            check_harmless(pilot, size[0])
            await pilot.press("down")
            await pilot.pause()


def test_a_row_has_its_width():
    for width in range(10, 201, 7):
        for one in SESSIONS:
            cells = sum(len(text) for text, _ in session_row(one, width, is_at_hand=False))
            assert cells <= max(width, 8 + 2), (width, one)
    assert Columns.within(200).label > 100


async def test_opening_gives_the_picked_one():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert opened.given == [SESSIONS[1].path]


async def test_the_one_at_hand_is_gone_back_to():
    opened = Opened(at_hand=1)
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        assert opened.screen.picked == SESSIONS[1]
        await pilot.press("enter")
        await pilot.pause()
        assert opened.given == [None]


async def test_the_mouse_picks_and_opens():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.click(RowPicker, offset=(5, 1))
        assert opened.screen.picked == SESSIONS[1]
        await pilot.click(RowPicker, offset=(5, 1))
        await pilot.pause()
        assert opened.given == [SESSIONS[1].path]


@pytest.mark.parametrize("key", ["L", "alt+n"])
async def test_a_new_one(key):
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press(key)
        await pilot.pause()
        assert opened.given == [True]


async def test_what_cannot_be_opened_says_so():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("end", "enter")
        await pilot.pause()
        assert "it cannot be opened: it is no session" in shown(pilot).splitlines()[0]
        assert opened.given == []
        await pilot.press("up")
        await pilot.pause()
        assert "cannot be opened" not in shown(pilot).splitlines()[0]


async def test_a_name():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("down", "e")
        await until(pilot, lambda: isinstance(opened.app.screen, InputScreen))
        assert opened.app.screen.query_one(Input).value == "the lesson of Monday"
        opened.app.screen.query_one(Input).value = "Tuesday"
        opened.sessions[1] = session("20261129-180000-0f0f0f", "Once upon", "Tuesday", days=1)
        await pilot.press("enter")
        await until(pilot, lambda: "○ Tuesday" in shown(pilot))
        assert opened.done == [("name", SESSIONS[1].path, "Tuesday")]
        assert opened.screen.picked.path == SESSIONS[1].path


async def test_a_refused_name_stays_typed():
    opened = Opened(refusal=PlaygroundError("a name is [b]one line[/b]"))
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("e", "x", "enter")
        await until(pilot, lambda: "a name is [b]one line[/b]" in shown(pilot))
        assert opened.app.screen.query_one(Input).value == "x"


@pytest.mark.parametrize("key", ["d", "delete"])
async def test_deleting_asks(key):
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("down", key)
        await until(pilot, lambda: isinstance(opened.app.screen, DialogScreen))
        assert "“the lesson of Monday” and its 3 runs" in shown(pilot)
        await pilot.press("escape")
        assert opened.done == []
        await pilot.press(key, "enter")
        await until(pilot, lambda: "the lesson of Monday" not in shown(pilot))
        assert opened.done == [("delete", SESSIONS[1].path)]
        assert opened.screen.picked == SESSIONS[2]


async def test_the_one_at_hand_is_not_deleted():
    opened = Opened()
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("d")
        await pilot.pause()
        assert "it is open: begin a new one first" in shown(pilot)
        assert opened.done == []


async def test_a_refused_deletion_is_told():
    opened = Opened(refusal=PlaygroundError("another program has it open"))
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        await pilot.press("down", "d", "enter")
        await until(pilot, lambda: "another program has it open" in shown(pilot))


async def test_a_disk_that_is_slow_to_delete_or_name_leaves_the_page_to_go_on():
    opened, answers = Opened(), threading.Event()
    act = opened._act
    opened._act = lambda *done: answers.wait(9) and act(*done)
    async with opened.app.run_test(size=SIZE) as pilot:
        await drawn(pilot, opened)
        began = time.monotonic()
        await pilot.press("down", "d", "enter")
        await until(pilot, lambda: "deleting…" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "it is being deleted" in shown(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "another is being deleted" in shown(pilot))
        await pilot.press("down", "e", "x", "enter")
        await until(pilot, lambda: "the disk has not answered yet" in shown(pilot))
        assert time.monotonic() - began < 9
        answers.set()
        await until(pilot, lambda: "the lesson of Monday" not in shown(pilot))
        await until(pilot, lambda: opened.screen.is_current)
    assert {done[0] for done in opened.done} == {"delete", "name"}


async def test_none_yet():
    opened = Opened(())
    async with opened.app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "no session yet" in shown(pilot))
        for key, told in (("enter", "open"), ("e", "name"), ("d", "delete")):
            await pilot.press(key)
            await pilot.pause()
            assert f"there is none to {told}" in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert opened.given == [None]


async def test_a_folder_that_cannot_be_read_is_told():
    opened = Opened(refusal=(PlaygroundError("'/x' cannot be read: Permission denied"),))
    async with opened.app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "'/x' cannot be read: Permission denied" in shown(pilot))
