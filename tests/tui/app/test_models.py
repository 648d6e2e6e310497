"""Models in the app: fetched in the background, picked, switched, and what goes wrong with that."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, OptionList, Static

from core.backends.downloads import DownloadService
from core.backends.scripted import ScriptedBackend
from core.models.catalog import model_folder
from core.models.hub.download import DownloadProgress
from core.models.hub.errors import DownloadCancelled
from core.models.listing import AvailableModel
from core.playground.fetching import Fetching
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.steps import EngineChanged, TokenStep
from tests.tui.helpers import (
    BOOK,
    app_of,
    footer_keys,
    ready,
    run_prompt,
    run_to_end,
    shown_document,
    status,
    steps,
    stopped,
    until,
)
from tui.app import models as model_actions
from tui.app.playground import PlaygroundApp
from tui.common.dialog import DialogScreen
from tui.main.fetch_line import FetchLine
from tui.models.picker import ModelsScreen

STAND_IN = ModelInfo("demo", "cpu", "float32", 1, 100, 100, stands_in_for="gpt2-xl")


class FakeHub:
    """Stands in for ``download``: reports, waits, then ends as told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.may_end = threading.Event()
        self.error: PlaygroundError | None = None

    def __call__(self, name, report, is_cancelled):
        self.names.append(name)
        report(DownloadProgress(name, 1_600_000_000, 6_400_000_000, 1e7, 480.0, "[b]m[/b]"))
        while not self.may_end.wait(0.01):
            if is_cancelled():
                raise DownloadCancelled("cancelled; the 1.6 GB that have come are kept")
        if self.error is not None:
            raise self.error
        return Path(name)


class Shelf:
    """Makes scripted backends by name and remembers them."""

    def __init__(self, **errors: str) -> None:
        self.errors = errors
        self.made: list[tuple[str | None, ScriptedBackend]] = []

    def __call__(self, name: str | None) -> ScriptedBackend:
        info = STAND_IN if name is None else ModelInfo(name, "cpu", "float32", 7, 100, 100)
        backend = ScriptedBackend(info=info, load_error=self.errors.get(name or ""))
        self.made.append((name, backend))
        return backend


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def app(hub, shelf):
    return PlaygroundApp(shelf, BOOK, fetching=Fetching(DownloadService(hub)))


def fetch_line(pilot):
    widget = app_of(pilot).main.query_one(FetchLine)
    return widget.plain if widget.display else ""


def dialog(pilot):
    return str(app_of(pilot).screen.query_one(Static).content)


async def test_the_missing_model_is_one_key_and_one_question_away(app, hub):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "get the model" in footer_keys(pilot))
        await pilot.press("ctrl+n")
        assert isinstance(app.screen, DialogScreen)
        assert "gpt2-xl (6.4 GB) is not on this machine" in dialog(pilot)
        assert hub.names == []

        await pilot.press("enter")
        await until(pilot, lambda: "1.6 GB of 6.4 GB (25%)" in fetch_line(pilot))
        assert hub.names == ["gpt2-xl"]
        assert "10.0 MB/s, 8 min 00 s left, [b]m[/b]" in fetch_line(pilot)
        assert "get the model" not in footer_keys(pilot)


async def test_a_question_that_is_refused_fetches_nothing(app, hub):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+n", "escape")
        await pilot.pause()

        assert not isinstance(app.screen, DialogScreen)
        assert hub.names == []


async def test_the_model_at_hand_runs_meanwhile_and_switching_is_offered(app, hub, shelf):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+n", "enter")
        await until(pilot, lambda: fetch_line(pilot) != "")
        await run_to_end(pilot, "one two")
        hub.may_end.set()
        await until(pilot, lambda: "gpt2-xl is here" in fetch_line(pilot))
        before = shown_document(pilot)
        await pilot.press("ctrl+n")
        await ready(pilot)

        assert [name for name, _ in shelf.made] == [None, "gpt2-xl"]
        assert shelf.made[0][1].closed
        assert shown_document(pilot) == before
        assert fetch_line(pilot) == ""
        await run_to_end(pilot, "three")
        assert "from here on gpt2-xl" in shown_document(pilot)


async def test_esc_cancels_a_download_but_first_a_run(app, hub):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+n", "enter")
        await until(pilot, lambda: fetch_line(pilot) != "")
        await pilot.press("escape")
        await until(pilot, lambda: fetch_line(pilot) == "")
        await until(pilot, lambda: "1.6 GB that have come are kept" in status(pilot))
        assert not isinstance(app.screen, DialogScreen)
        assert "get the model" in footer_keys(pilot)


async def test_a_download_that_fails_is_told_in_full(app, hub):
    hub.error = PlaygroundError("cannot reach [b]the hub[/b]; check the network")
    hub.may_end.set()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+n", "enter")
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))

        assert "cannot reach [b]the hub[/b]; check the network" in dialog(pilot)
        await pilot.press("escape")
        await run_to_end(pilot, "one")


async def test_a_model_asked_for_by_name_is_fetched_at_once(hub, shelf):
    app = PlaygroundApp(shelf, BOOK, fetch="gpt2-xl", fetching=Fetching(DownloadService(hub)))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "25%" in fetch_line(pilot))

        assert hub.names == ["gpt2-xl"]


MODELS = (
    AvailableModel("demo", 6_000_000, 1_600_000, True),
    AvailableModel("[b]odd[/b]/one", 9_000_000, 2_000_000, True),
    AvailableModel("gpt2", 550_000_000, None, False),
)


async def pick(pilot, *keys):
    app = app_of(pilot)
    app.push_screen(ModelsScreen("demo", lambda: MODELS), app.models._picked)
    await until(pilot, lambda: bool(app.screen.query(OptionList)))
    options = app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count == 3)
    await pilot.press(*keys)
    await pilot.pause()


async def test_a_model_of_the_list_is_switched_to(app, shelf):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pick(pilot, "down", "enter")
        await until(pilot, lambda: len(shelf.made) == 2)
        await ready(pilot)

        assert shelf.made[1][0] == "[b]odd[/b]/one"
        assert app.playground.model.info is not None
        assert app.playground.model.info.parameters == 7


async def test_a_model_that_is_not_here_is_asked_about(app, hub, monkeypatch):
    monkeypatch.setattr(model_actions, "is_to_fetch", lambda name: name == "gpt2")
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pick(pilot, "end", "enter")
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))

        assert "gpt2 (550 MB) is not on this machine" in dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: hub.names == ["gpt2"])


async def test_a_folder_can_be_typed(app, shelf, tmp_path):
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pick(pilot, "tab")
        app.screen.query_one(Input).value = f" {tmp_path} "
        await pilot.press("enter")
        await until(pilot, lambda: len(shelf.made) == 2)

        assert shelf.made[1][0] == str(tmp_path)


async def test_the_status_tells_the_engine_of_a_model_that_has_not_run_yet(hub):
    def make(name: str | None) -> ScriptedBackend:
        engine = "transformers, without a cache" if name else "fast, [b]native[/b]"
        return ScriptedBackend(info=dataclasses.replace(STAND_IN, name=name or "x", engine=engine))

    app = PlaygroundApp(make, BOOK, fetching=Fetching(DownloadService(hub)))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        assert status(pilot).strip() == "● ready · greedy · engine: fast, [b]native[/b]"
        await run_to_end(pilot, "one")
        assert "engine" not in status(pilot)
        app.playground.model.use("other")
        app.painting.changed()
        await ready(pilot)
        assert "ready · greedy · engine: transformers, without a cache" in status(pilot)
        await run_to_end(pilot, "two")
        assert "engine" not in status(pilot)


class ChangesEngines(ScriptedBackend):
    """Whose second step is run by something else."""

    def generate(self, request, is_cancelled):
        for event in super().generate(request, is_cancelled):
            if isinstance(event, TokenStep) and event.index == 1:
                yield EngineChanged("fast, torch (no CUDA graph: [b]refused[/b])")
            yield event


async def test_the_status_tells_what_runs_the_model_after_a_fallback_in_the_middle_of_a_run(hub):
    gate = threading.Semaphore(0)

    def make(name: str | None) -> ScriptedBackend:
        info = dataclasses.replace(STAND_IN, name=name or "x", engine="fast, CUDA graph")
        return ChangesEngines(step_gate=gate, info=info)

    app = PlaygroundApp(make, BOOK, fetching=Fetching(DownloadService(hub)))
    async with app.run_test(size=(160, 30)) as pilot:
        await ready(pilot)
        gate.release(3)
        await run_prompt(pilot, "one")
        await steps(pilot, 3)
        told = "engine: fast, torch (no CUDA graph: [b]refused[/b])"
        await until(pilot, lambda: "the engine is another one now" in status(pilot))
        app.playground.notices.current = None
        app.painting.changed()
        await until(pilot, lambda: told in status(pilot) and "running" in status(pilot))
        gate.release(100)
        await stopped(pilot)
        assert told in status(pilot)
        app.playground.model.use("other")
        app.painting.changed()
        await ready(pilot)
        assert "engine: fast, CUDA graph" in status(pilot)


async def test_what_is_typed_on_the_list_is_a_name(app, shelf):
    """Enter would pick what the list has highlighted, and the text would be lost."""
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pick(pilot, *"./one")
        app.screen.post_message(events.Paste(" [b]more[/b]\n"))
        await pilot.pause()
        await pilot.press("x", "enter")
        await until(pilot, lambda: len(shelf.made) == 2)

        assert shelf.made[1][0] == "./one [b]more[/b]x"


async def test_folders_that_were_used_stay_in_the_list(app, tmp_path):
    shutil.copytree(model_folder("demo"), tmp_path / "one")
    one, gone = (str(tmp_path / name) for name in ("one", "gone"))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        for name in (one, gone, "demo"):
            app.playground.model.use(name)
            app.painting.changed()
            await ready(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(getattr(app.screen, "_models", ())) > 1)

        found = [model.name for model in app.screen._models if model.is_here]
        assert found.count("demo") == found.count(one) == 1
        assert gone not in found


async def test_a_model_that_cannot_be_loaded_gives_the_one_before_back(hub):
    shelf = Shelf(broken="too large for [b]cpu[/b]; gpt2 would fit")
    app = PlaygroundApp(shelf, BOOK, fetching=Fetching(DownloadService(hub)))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await run_to_end(pilot, "one")
        before = shown_document(pilot)
        app.playground.model.use("broken")
        app.painting.changed()
        await until(pilot, lambda: isinstance(app.screen, DialogScreen))

        assert "too large for [b]cpu[/b]; gpt2 would fit" in dialog(pilot)
        await pilot.press("escape")
        await ready(pilot)
        assert app.playground.model.info == STAND_IN
        assert app.playground.model.load_error is None
        assert shown_document(pilot) == before
        await run_to_end(pilot, "two")


async def test_switching_stops_a_run_and_keeps_what_it_wrote(hub):
    gate = threading.Semaphore(3)

    def make(name: str | None) -> ScriptedBackend:
        return ScriptedBackend(info=STAND_IN, step_gate=gate if name is None else None)

    app = PlaygroundApp(make, BOOK, fetching=Fetching(DownloadService(hub)))
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: app.playground.document.step_count() == 3)
        app.playground.model.use("other")
        app.painting.changed()
        await ready(pilot)

        turn = app.playground.document.turns[0]
        assert turn.finished is not None
        assert turn.finished.reason == "cancelled"
        assert len(turn.steps) == 3
        await run_to_end(pilot, "two")
