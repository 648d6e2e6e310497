"""Sessions in the app: gone on with, switched, named, and nothing lost without a question."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.sessions.folder import SessionsFolder
from core.sessions.opening import open_session
from core.sessions.starting import open_and_remember, start_session
from tests.tui.helpers import (
    BOOK,
    PATIENCE,
    make_app,
    ready,
    run_prompt,
    run_to_end,
    shown_document,
    status,
    stopped,
    typed,
    until,
)
from tests.tui.screen_app import shown
from tui.app.playground import PlaygroundApp
from tui.common.dialog import DialogScreen
from tui.sessions.screen import SessionsScreen

SIZE = (120, 40)


@pytest.fixture
def folder(tmp_path):
    return SessionsFolder(tmp_path / "sessions")


def opened(folder, backend=None, *, called=None, is_new=False):
    """The app as a start opens it."""
    session = start_session(folder, called, is_new=is_new)
    return make_app(backend or ScriptedBackend(), session=session, sessions=folder)


class Endless(ScriptedBackend):
    """Waits after some steps until it is cancelled."""

    def __init__(self):
        super().__init__()
        self.has_begun = threading.Event()

    def generate(self, request, is_cancelled):
        for number, event in enumerate(super().generate(request, is_cancelled)):
            if number == 3:
                self.has_begun.set()
                while not is_cancelled():
                    threading.Event().wait(0.005)
            yield event


async def test_a_first_start_has_nothing_to_say(folder):
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "ready" in status(pilot))
        assert "▌" not in status(pilot)
        assert "See how a language model decides" in shown(pilot)
    assert app.is_saved
    assert list(folder.folder.glob("*.jsonl")) == []


async def test_a_start_goes_on_where_one_left(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
        await pilot.press("f4", "left", "left")
        left = shown_document(pilot), pilot.app.playground.document.cursor
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "going on with “Once upon”" in status(pilot))
        assert "alt+n begins a new session" in status(pilot)
        await ready(pilot)
        assert (shown_document(pilot), app.playground.document.cursor) == left
        assert app.playground.next_run.preset.name == "nucleus"
        await pilot.press("up")
        assert typed(pilot) == "Once upon"


async def test_a_new_session_with_one_key_and_back(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
        await pilot.press("alt+n")
        await until(pilot, lambda: "a new session" in status(pilot))
        assert not pilot.app.playground.document.turns
        await pilot.press("up")
        assert typed(pilot) == ""
        await run_to_end(pilot, "Another")
        await pilot.press("alt+s")
        await until(pilot, lambda: "○ Once upon" in shown(pilot) and "◉ Another" in shown(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "going on with “Once upon”" in status(pilot))
        assert shown_document(pilot).count("Once upon") == 1
        # Else whoever opens it after a kill would take it for one that ended the program.
        await until(pilot, lambda: not list(folder.folder.glob("*.opening")))
        await run_to_end(pilot, " and on")
    paths = [one.path for one in folder.listed()]
    states = {}
    for path in paths:
        session = open_session(path)
        states[session.state.prompts[0]] = len(session.state.tree.nodes)
        session.close()
    assert states == {"Once upon": 2, "Another": 1}


async def test_opening_another_stops_the_run_which_is_kept(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "The first")
    backend = Endless()
    app = opened(folder, backend, is_new=True)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "The second")
        await until(pilot, backend.has_begun.is_set)
        await pilot.press("alt+s")
        await until(pilot, lambda: "○ The first" in shown(pilot))
        await pilot.press("end", "enter")
        await until(pilot, lambda: "going on with “The first”" in status(pilot))
        assert shown_document(pilot).startswith("── greedy ──\nThe first")
    (path,) = [one.path for one in folder.listed() if "second" in one.summary.first_words]
    session = open_session(path)
    assert [node.run.reason for node in session.state.tree.nodes] == ["cancelled"]
    assert session.state.tree.nodes[0].run.steps
    session.close()


async def test_the_session_at_hand_is_named(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
        await pilot.press("alt+s")
        await until(pilot, lambda: "◉ Once upon" in shown(pilot))
        await pilot.press("e", *"tale", "enter")
        await until(pilot, lambda: "◉ tale  Once upon" in shown(pilot))
        await pilot.press("escape")
    assert folder.listed()[0].summary.name == "tale"
    async with opened(folder, called="tale").run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "going on with “tale”" in status(pilot))


async def test_leaving_asks_nothing_while_all_is_saved(folder):
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.is_saved


async def test_a_session_that_is_open_elsewhere_is_to_look_at(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
    first = start_session(folder)
    size = first.path.stat().st_size
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))
        assert "looking at “Once upon”" in shown(pilot)
        assert "another program has it open" in shown(pilot)
        await pilot.press("escape")
        await ready(pilot)
        assert "not saved" in status(pilot)
        assert "Once upon" in shown_document(pilot)
        await run_to_end(pilot, " and on")
        assert first.path.stat().st_size == size
        for key in ("ctrl+q", "alt+n"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, DialogScreen))
            assert "and lose it?" in shown(pilot)
            assert "another program has it open" in shown(pilot)
            await pilot.press("escape")
        assert " and on" in shown_document(pilot)
        await pilot.press("ctrl+q", "enter")
        await until(pilot, lambda: not app.is_running)
    first.close()


async def test_who_asks_twice_to_leave_means_it(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
    first = start_session(folder)
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))
        await pilot.press("escape")
        await run_to_end(pilot, " and on")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "leave, and lose it?" in shown(pilot))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    first.close()


async def test_looking_alone_loses_nothing(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
    first = start_session(folder)
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))
        await pilot.press("escape", "left", "f4", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    first.close()


async def test_a_disk_that_is_full_is_told_and_asked_about(folder, monkeypatch):
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("core.sessions.appending.LineFile.append", full)
        await run_to_end(pilot, " and on")
        await until(pilot, lambda: "No space left on device" in shown(pilot))
        await pilot.press("escape")
        await run_to_end(pilot, " and on")
        assert "not saved" in status(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "leave, and lose it?" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)


async def test_a_folder_that_takes_no_file_is_told(folder):
    folder.folder.parent.mkdir(exist_ok=True)
    folder.folder.write_text("a file in the folder's place")
    app = opened(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "nothing is saved in" in shown(pilot))


class Named(ScriptedBackend):
    """A model by the name that it was asked for."""

    def __init__(self, name):
        super().__init__()
        self._name = name or "small"

    def load(self, report):
        return dataclasses.replace(super().load(report), name=self._name)


async def use(pilot, name):
    pilot.app.playground.model.use(name)
    pilot.app.painting.changed()
    await stopped(pilot)


@pytest.mark.parametrize("is_here", [True, False])
async def test_a_session_brings_its_model_where_that_is_here(folder, monkeypatch, is_here):
    monkeypatch.setattr("core.playground.keeping.is_here", lambda _name: is_here)

    def app():
        session = start_session(folder)
        return PlaygroundApp(Named, BOOK, session=session, sessions=folder)

    async with app().run_test(size=SIZE) as pilot:
        await ready(pilot)
        await use(pilot, "large")
        await run_to_end(pilot, "Once upon")
        await pilot.press("alt+n")
        await until(pilot, lambda: "a new session" in status(pilot))
        await use(pilot, "small")
        await run_to_end(pilot, "Another")
        await pilot.press("alt+s")
        await until(pilot, lambda: "○ Once upon" in shown(pilot))
        await pilot.press("end", "enter")
        await until(pilot, lambda: "Once upon" in shown_document(pilot))
        await stopped(pilot)
        info = pilot.app.playground.model.info
        assert info.name == ("large" if is_here else "small")
        told = "goes on with another model: 'large' then, 'small' now"
        assert (told in shown(pilot)) != is_here
    assert SCRIPTED_MODEL.name not in ("large", "small")


async def test_a_prompt_that_waits_is_given_back(folder):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
    backend = Endless()
    async with opened(folder, backend, is_new=True).run_test(size=SIZE) as pilot:
        await ready(pilot)
        await run_prompt(pilot, "The second")
        await until(pilot, backend.has_begun.is_set)
        await pilot.press("ctrl+l")
        await run_prompt(pilot, "waits")
        await pilot.press("alt+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await until(pilot, lambda: "○ Once upon" in shown(pilot))
        await pilot.press("end", "enter")
        await until(pilot, lambda: "Once upon" in shown_document(pilot))
        assert "waits" not in shown_document(pilot)


async def test_a_disk_that_does_not_answer_holds_up_no_page_and_no_end(folder, monkeypatch):
    answers, asked, ended = threading.Event(), threading.Event(), []
    app = opened(folder, is_new=True)

    def waiting(*_):
        asked.set()
        answers.wait(PATIENCE)
        ended.append("late")
        return ()

    monkeypatch.setattr(SessionsFolder, "listed", waiting)
    monkeypatch.setattr("tui.app.models.available_models", waiting)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        for number, key in enumerate(("alt+s", "ctrl+o"), 1):
            asked.clear()
            await pilot.press(key)
            await until(pilot, asked.is_set)
            await pilot.press("escape")
            answers.set()
            await until(pilot, lambda number=number: len(ended) == number)
            answers.clear()
            await pilot.press("x")
            assert typed(pilot).endswith("x")
        await pilot.press("alt+s")
        began = time.monotonic()
        await pilot.press("escape", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.fault is None
    assert time.monotonic() - began < PATIENCE / 2
    answers.set()


async def test_a_session_that_is_opened_while_the_app_ends_is_closed(folder, monkeypatch):
    async with opened(folder).run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Once upon")
    (listed,) = folder.listed()
    app = opened(folder, is_new=True)
    begun = threading.Event()

    def slowly(*args):
        begun.set()
        time.sleep(0.2)
        return open_and_remember(*args)

    monkeypatch.setattr("tui.app.sessions.open_and_remember", slowly)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        app.sessions._open(listed.path)
        await until(pilot, begun.is_set)
        app.exit()
    session = open_session(listed.path)
    assert session.notes == ()
    assert session.is_saved
    session.close()


async def test_without_sessions_the_keys_say_so():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await ready(pilot)
        for key in ("alt+s", "alt+n"):
            await pilot.press(key)
            assert "no sessions are kept here" in status(pilot)
