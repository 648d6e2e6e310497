"""The inspector: what it shows, how one moves in it, and that the screen never waits for it."""

from __future__ import annotations

import dataclasses
import json
import threading

import pytest
from textual.widgets import OptionList

from core.backends.scripted import ScriptedBackend
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.model_report import CacheFacts, ModelReport, ModuleNode
from tests.attacks import ATTACKS, harm_in
from tests.tui.helpers import BOOK, GatedLoading, app_of, make_app, ready, until
from tests.tui.screen_app import shown
from tui.app.playground import PlaygroundApp
from tui.main.prompt.tokens import PromptTokens
from tui.models.inspector import InspectorScreen
from tui.models.report_rows import report_sections
from tui.models.report_view import ReportView
from tui.models.section_bar import SectionBar

SIZE = (80, 24)
HOSTILE = "".join(ATTACKS.values())
INFO = ModelInfo("xl", "cuda:0", "bfloat16", 10, 1024, 50257, "the largest")


def hostile_report() -> ModelReport:
    report = ScriptedBackend().inspect()
    inner = ModuleNode(HOSTILE, HOSTILE, HOSTILE, 1, 1, HOSTILE, 4, tied_to=HOSTILE)
    return dataclasses.replace(
        report,
        name=HOSTILE,
        folder=HOSTILE,
        architecture=HOSTILE,
        tokenizer_note=HOSTILE,
        config_json=json.dumps({HOSTILE: [HOSTILE], "wide": "漢字"}),
        modules=dataclasses.replace(report.modules, children=(inner,)),
        cache_note=HOSTILE,
        notes=(HOSTILE,),
    )


class Inspected(ScriptedBackend):
    """Answers with one report, when it may."""

    def __init__(self, report: ModelReport | PlaygroundError | ValueError, **more) -> None:
        super().__init__(**more)
        self.report = report
        self.may_answer = threading.Event()
        self.threads: list[int] = []

    def inspect(self) -> ModelReport:
        self.threads.append(threading.get_ident())
        self.may_answer.wait(10)
        if isinstance(self.report, Exception):
            raise self.report
        return self.report


def inspector(pilot) -> InspectorScreen:
    screen = app_of(pilot).screen
    assert isinstance(screen, InspectorScreen)
    return screen


def page(pilot) -> str:
    return inspector(pilot).query_one(ReportView).plain


def state(pilot) -> str:
    widget = inspector(pilot).query_one("#inspector-state")
    return str(widget.content) if widget.display else ""


def bar(pilot) -> str:
    return inspector(pilot).query_one(SectionBar).plain


def current(pilot) -> int:
    return inspector(pilot).query_one(ReportView).current


async def opened(pilot) -> None:
    await ready(pilot)
    await pilot.press("f11")
    await until(pilot, lambda: isinstance(app_of(pilot).screen, InspectorScreen))


async def read(pilot) -> None:
    await opened(pilot)
    await until(pilot, lambda: "MODULES" in page(pilot))


async def test_it_reads_elsewhere_and_shows_that_it_does():
    backend = Inspected(ScriptedBackend().inspect())
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "reading…" in state(pilot))
        await pilot.press("4", "tab", "y", "Y")
        backend.may_answer.set()
        await until(pilot, lambda: "MODULES" in page(pilot))
        assert state(pilot) == ""
        assert threading.get_ident() not in backend.threads
        await pilot.press("escape")
        assert app_of(pilot).screen is app_of(pilot).main


async def test_it_opens_once():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await read(pilot)
        app_of(pilot).action_inspect()
        await pilot.press("escape")
        assert app_of(pilot).screen is app_of(pilot).main


async def test_esc_closes_while_it_reads():
    backend = Inspected(ScriptedBackend().inspect())
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("escape", *"ab")
        assert app_of(pilot).screen is app_of(pilot).main
        assert app_of(pilot).main.prompt.text == "ab"
        backend.may_answer.set()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PlaygroundError("the [b]folder[/b] is gone"), "✗ the [b]folder[/b] is gone"),
        (ValueError("odd"), "✗ the model could not be read: ValueError: odd"),
    ],
)
async def test_a_failure_is_one_sentence(error, sentence):
    backend = Inspected(error)
    backend.may_answer.set()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await opened(pilot)
        await until(pilot, lambda: state(pilot) == sentence)


async def test_without_a_model_it_says_so_and_then_reads():
    backend = GatedLoading()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await pilot.press("f11")
        await until(pilot, lambda: "the model is being loaded" in state(pilot))
        backend.may_load.set()
        await until(pilot, lambda: "MODULES" in page(pilot))


async def test_a_model_that_could_not_be_loaded_is_told():
    async with make_app(ScriptedBackend(load_error="there is no such model")).run_test(
        size=SIZE
    ) as pilot:
        await until(pilot, lambda: app_of(pilot).playground.model.load_error is not None)
        await pilot.press("f11")
        await until(pilot, lambda: state(pilot) == "✗ there is no such model")


async def test_another_model_is_read_anew():
    other = ModelInfo("other", "cpu", "float32", 10, 20, 30)
    backends = iter([ScriptedBackend(), ScriptedBackend(info=other)])
    app = PlaygroundApp(lambda _name: next(backends), BOOK)
    async with app.run_test(size=SIZE) as pilot:
        await read(pilot)
        app.playground.model.load_error = "gone"
        app.action_load_again()
        await until(pilot, lambda: "name          other" in page(pilot))


async def test_keys_and_clicks_jump():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await read(pilot)
        assert bar(pilot).split("  ") == [
            " 1 model",
            "2 tokenizer",
            "3 config.json",
            "4 modules",
            "5 parameters",
            "6 cache",
        ]
        assert current(pilot) == 0
        await pilot.press("4")
        assert current(pilot) == 3
        await pilot.press("tab", "tab", "tab")
        assert current(pilot) == 0
        await pilot.press("shift+tab")
        assert current(pilot) == 5
        await pilot.press("9")
        assert current(pilot) == 5
        await pilot.click(SectionBar, offset=(bar(pilot).index("tokenizer") + 2, 0))
        assert current(pilot) == 1
        await pilot.press("home")
        await until(pilot, lambda: current(pilot) == 0)


async def test_wide_lines_scroll():
    report = dataclasses.replace(ScriptedBackend().inspect(), folder="x" * 200 + "END")
    backend = Inspected(report)
    backend.may_answer.set()
    async with make_app(backend).run_test(size=SIZE) as pilot:
        await read(pilot)
        view = inspector(pilot).query_one(ReportView)
        await pilot.press(*["right"] * 40)
        await until(pilot, lambda: view.scroll_offset.x == view.max_scroll_x)
        lines = [strip.text for strip in app_of(pilot).screen._compositor.render_strips()]
        assert any("xEND" in line for line in lines)
        await pilot.press(*["left"] * 40)
        await until(pilot, lambda: view.scroll_offset.x == 0)


async def test_a_section_and_everything_can_be_copied():
    async with make_app(ScriptedBackend()).run_test(size=SIZE, notifications=True) as pilot:
        await read(pilot)
        await pilot.press("5", "y")
        assert app_of(pilot).clipboard.startswith("  total       1,500,000\n")
        await until(pilot, lambda: "characters copied" in shown(pilot))
        await pilot.press("Y")
        assert app_of(pilot).clipboard == page(pilot)


async def test_a_marked_stretch_can_be_copied():
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await read(pilot)
        await pilot.mouse_down(ReportView, offset=(1, 1))
        await pilot.hover(ReportView, offset=(6, 1))
        await pilot.mouse_up(ReportView, offset=(6, 1))
        assert app_of(pilot).screen.get_selected_text() == "MODEL"


@pytest.mark.parametrize("name", ["Inspect the model", "Tokens of the prompt"])
async def test_the_palette_opens_both(name):
    async with make_app(ScriptedBackend()).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        await pilot.press("ctrl+p", *name.replace(" ", ""))
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count > 0)
        await pilot.press("enter")
        await until(
            pilot,
            lambda: (
                isinstance(app.screen, InspectorScreen)
                if name.startswith("Inspect")
                else app.main.query_one(PromptTokens).display
            ),
        )


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8)])
async def test_hostile_files_are_harmless(size):
    backend = Inspected(hostile_report())
    backend.may_answer.set()
    async with make_app(backend).run_test(size=size) as pilot:
        await read(pilot)
        for key in "1234567":
            await pilot.press(key)
            strips = app_of(pilot).screen._compositor.render_strips()
            text = "".join(strip.text for strip in strips)
            assert harm_in(text) == []
            assert all(strip.cell_length <= size[0] for strip in strips)
        shown = page(pilot)
        assert harm_in(shown) == []
        assert "\\x1b]0;owned\\x07" in shown
        assert "[/b][@click=app.quit]x[/][red]" in shown
        assert "漢字" in shown


def test_the_cache_is_told_as_the_model_runs():
    cache = CacheFacts(48, 25, 64, "float32", 614_400, "", 1024, 629_145_600)
    report = dataclasses.replace(ScriptedBackend().inspect(), cache=cache)
    texts = {section.name: section.text for section in report_sections(report, INFO)}
    assert "  as it runs    307,200 bytes, 307 kB per token (bfloat16)" in texts["cache"]
    assert "  runs on       cuda:0 in bfloat16 (the largest)" in texts["model"]
    in_int8 = dataclasses.replace(INFO, dtype="int8")  # its weights alone: the cache is bfloat16
    texts = {section.name: section.text for section in report_sections(report, in_int8)}
    assert "  as it runs    307,200 bytes, 307 kB per token (bfloat16)" in texts["cache"]
    assert "  runs on       cuda:0 in int8 (the largest)" in texts["model"]
    assert "engine" not in texts["model"]
    engine = dataclasses.replace(INFO, engine="fast, native")
    assert "  engine        fast, native" in report_sections(report, engine)[0].text
    same = dataclasses.replace(INFO, dtype="float32")
    assert all("as it runs" not in section.text for section in report_sections(report, same))
    assert "runs on" not in report_sections(report, None)[0].text
