"""The prompt line, the palette, the help, sizes, tints, and hostile text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from textual import events
from textual.command import CommandPalette

from core.backends.scripted import ScriptedBackend
from core.playground.notices import Notice
from core.presets.book import Preset, PresetBook
from core.presets.keys import normalized_key
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from tests.tui.helpers import (
    BOOK,
    app_of,
    footer_keys,
    make_app,
    panel,
    ready,
    run_to_end,
    shown_document,
    status,
    typed,
    until,
)
from tui.app.playground import PlaygroundApp
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.help.screen import HelpScreen
from tui.main.welcome import EXAMPLE_PROMPT
from tui.prose.legend import Legend

HOSTILE = (
    "[/b]",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b[31m",
    "\x07\x00\r\x9b2J",
    "\\xe4",
    "\ud83d",
    "\u202egnp.exe",
    "\u200b",
    "a" * 5000,
    " " * 500,
    "一二三四五六七八九十" * 30,
    "👩‍👩‍👧‍👦e\u0301",
    "\u0301",
    "\n\n\t",
)


def screen_text(pilot):
    app = app_of(pilot)
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_of_a_folder_that_does_not_fit_the_last_part_is_shown():
    info = ModelInfo("/home/[b]some[/b]/models/my-llama", "cpu", "float32", 410_000, 1024, 2048)
    async with make_app(ScriptedBackend(info=info)).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        title = app_of(pilot).main.query_one("#model", LinesView)
        whole = "gpt2-playground  /home/[b]some[/b]/models/my-llama · cpu · float32 · 410k"
        assert title.plain == whole
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: title.plain != whole)
        assert title.plain == "gpt2-playground  …/my-llama · cpu · float32 …"
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: title.plain == whole)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 16)])
@pytest.mark.parametrize("preset", ["greedy", "beam"])
async def test_hostile_text_is_shown_harmlessly(size, preset):
    async with make_app(ScriptedBackend(HOSTILE), preset).run_test(size=size) as pilot:
        await run_to_end(pilot, "[/b]\x1b[2J" + "[@click=app.quit]")
        for _ in HOSTILE:
            await pilot.press("left")
            text = screen_text(pilot)
            assert not any(
                ord(character) < 32 or 0x7F <= ord(character) < 0xA0
                for character in text
                if character != "\n"
            )
            assert "\ud83d" not in text
            assert "\u202e" not in text
            text.encode()
        assert all(
            sum(segment.cell_length for segment in strip) <= size[0]
            for strip in app_of(pilot).screen._compositor.render_strips()
        )
        if preset == "greedy":
            assert "[/b]" in shown_document(pilot)
            assert "[@click=app.quit]" in shown_document(pilot)
            assert "\\x1b[2J" in shown_document(pilot)


async def test_history_goes_up_and_down_and_keeps_the_draft():
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "one")
        await run_to_end(pilot, "two")
        await run_to_end(pilot, "two")
        await pilot.press(*"dra", "up")
        assert typed(pilot) == "two"
        await pilot.press("up")
        assert typed(pilot) == "one"
        await pilot.press("up")
        assert typed(pilot) == "one"
        await pilot.press("down", "down")
        assert typed(pilot) == "dra"


async def test_a_cleared_document_leaves_its_prompts_in_the_tree():
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "one")
        await pilot.press("ctrl+l", "up")
        assert typed(pilot) == "one"


async def test_a_paste_of_several_lines_stays_whole():
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app_of(pilot).main.prompt.post_message(events.Paste("def f():\r\n\treturn 1\x1b[2J\n"))
        await pilot.pause()
        assert typed(pilot) == "def f():\n\treturn 1\x1b[2J\n"
        assert app_of(pilot).main.prompt.size.height == 3
        assert not backend.requests
        await pilot.press("enter")
        await until(pilot, lambda: len(backend.requests) == 1)
        assert backend.requests[0].prompt == "def f():\n\treturn 1\x1b[2J\n"


async def test_a_paste_of_5000_characters_is_not_lost():
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app_of(pilot).main.prompt.post_message(events.Paste("word " * 1000))
        await pilot.pause()
        assert len(typed(pilot)) == 5000
        assert app_of(pilot).main.prompt.size.height <= 6
        await pilot.press("enter")
        await until(pilot, lambda: "word word" in shown_document(pilot))


async def test_ctrl_j_begins_a_new_line():
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "ctrl+j", "b")
        assert typed(pilot) == "a\nb"


async def test_keys_that_come_at_once_keep_their_order():
    """Guards against Enter overtaking the text before it, and losing the text after it."""
    backend = ScriptedBackend()
    async with make_app(backend).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        for key in ("a", "x", "backspace", "b", "ctrl+j", "c", "enter", "d", "e"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: len(backend.requests) == 1)
        await until(pilot, lambda: typed(pilot) == "de")
        assert backend.requests[0].prompt == "ab\nc"


@pytest.mark.parametrize("key", ["right", "tab"])
async def test_the_example_can_be_taken(key):
    async with make_app(ScriptedBackend()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(key)
        assert typed(pilot) == EXAMPLE_PROMPT


async def test_the_tint_can_be_turned_off():
    app = make_app(ScriptedBackend([" far", ","]))
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")

        def backgrounds():
            return {
                segment.style.bgcolor
                for y in range(4)
                for segment in app.main.transcript.render_line(y)
                if segment.text.strip() and segment.style is not None
            }

        assert len(backgrounds()) > 1
        assert app.main.query_one(Legend).display
        await pilot.press("ctrl+t")
        assert len(backgrounds()) == 1
        assert not app.main.query_one(Legend).display
        await pilot.press("ctrl+t")
        assert len(backgrounds()) > 1


async def test_the_palette_reaches_the_presets():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"odd")
        await until(pilot, lambda: "[b]not markup[/b]" in screen_text(pilot))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.playground.next_run.preset.name == "odd")


async def test_a_run_goes_on_under_the_palette_and_the_help():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.main.prompt.put("Once")
        await pilot.press("enter", "f12")
        await until(pilot, lambda: not app.playground.is_busy)
        assert isinstance(app.screen, HelpScreen)
        assert "run the prompt" in screen_text(pilot)
        await pilot.press("escape")
        assert app.screen is app.main
        assert "Once far" in shown_document(pilot)


async def test_a_narrow_terminal_stacks_the_panel_and_a_low_one_hides_it():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(60, 24)) as pilot:
        await run_to_end(pilot, "Once")
        side = app.main.query_one("#side")
        assert side.region.width == 60
        assert side.region.y > app.main.transcript.region.y
        await pilot.resize_terminal(60, 14)
        await pilot.pause()
        assert not side.display or not side.region.height
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert side.region.width == 38
        assert "▸" in panel(pilot)


async def test_a_resize_wraps_the_document_anew():
    app = make_app(ScriptedBackend([" word"] * 100))
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        before = app.main.transcript.line_count
        text = shown_document(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.main.transcript.line_count > before)
        assert shown_document(pilot) == text


async def test_a_resize_draws_the_panel_and_the_status_for_the_new_width():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(120, 40)) as pilot:
        await run_to_end(pilot, "Once")
        app.playground.notices.current = Notice(
            "one two three four five six seven eight nine ten " * 2
        )
        app.painting.changed()
        for size in ((80, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            table = app.main.query_one("#step-table", LinesView)
            await until(pilot, lambda table=table: _widest(table.plain) == table.size.width)
            assert size[0] - 10 < len(status(pilot)) <= size[0]


def _widest(text):
    return max(len(line.rstrip()) for line in text.splitlines())


async def test_the_end_is_followed_until_the_user_scrolls():
    app = make_app(ScriptedBackend([" word"] * 600))
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        transcript = app.main.transcript
        assert transcript.line_count > transcript.size.height
        assert transcript.scroll_offset.y == transcript.max_scroll_y
        await pilot.press("pageup")
        await pilot.pause()
        assert transcript.scroll_offset.y < transcript.max_scroll_y
        await pilot.press("home")
        assert transcript.scroll_offset.y == 0


async def test_clicking_a_token_looks_at_its_step():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.click("#transcript", offset=(6, 1))
        assert "step 1 of 8" in panel(pilot)


async def test_after_a_click_the_prompt_hears_what_is_typed():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.click("#transcript", offset=(6, 1))
        assert app.focused is app.main.prompt
        await pilot.press("right", "right")
        assert "step 3 of 8" in panel(pilot)
        await pilot.press("a", "space")
        app.post_message(events.Paste("cat"))
        await pilot.pause()
        assert typed(pilot) == "a cat"


async def test_what_is_typed_in_the_document_reaches_the_prompt_in_its_order():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("shift+tab")
        assert app.focused is app.main.transcript
        await pilot.press("pageup", "left")
        assert app.focused is app.main.transcript
        assert "step 7 of 8" in panel(pilot)
        for event in (events.Key("a", "a"), events.Paste("bc"), events.Key("space", " ")):
            app.post_message(event)
        await until(pilot, lambda: typed(pilot) == "abc ")
        assert app.focused is app.main.prompt


async def test_esc_leads_from_the_document_to_the_prompt():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        await pilot.press("shift+tab")
        assert footer_keys(pilot)["to the prompt"] == "esc"
        await pilot.press("escape")
        assert app.focused is app.main.prompt
        assert "to the prompt" not in footer_keys(pilot)


async def test_the_palette_shows_names_as_they_are():
    app = make_app(ScriptedBackend())
    name = "[b]x[/b]"
    presets = (*BOOK.presets[:1], Preset(name, "", "[@click=app.quit]y[/]", Settings()))
    app.playground.next_run.book = PresetBook(BOOK.path, presets)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: f"Preset: {name}" in screen_text(pilot))
        assert "[@click=app.quit]y[/]" in screen_text(pilot)
        await pilot.press("x")
        await until(pilot, lambda: f"Preset: {name}" in screen_text(pilot))


async def test_a_click_on_a_key_presses_it():
    app = make_app(ScriptedBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        await run_to_end(pilot, "Once")
        bar = app.main.query_one(KeyBar)
        await pilot.click("#keys", offset=(bar.plain.index("step back"), 0))
        assert "step 7 of 8" in panel(pilot)


async def test_a_preset_may_take_one_of_the_apps_own_keys():
    backend = ScriptedBackend()
    book = PresetBook(BOOK.path, (*BOOK.presets[:1], Preset("mine", "f12", "", Settings())))
    async with PlaygroundApp(lambda _name: backend, book).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f12")
        assert app_of(pilot).playground.next_run.preset.name == "mine"
        assert app_of(pilot).screen is app_of(pilot).main


def test_the_app_is_shown_without_a_model_library():
    code = (
        "import tui.app.playground, sys;"
        " print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_no_preset_can_have_a_key_that_the_app_binds():
    async with make_app(ScriptedBackend()).run_test() as pilot:
        app = app_of(pilot)
        bound = {
            key
            for part in (app, app.main, app.main.prompt)
            for key, bindings in part._bindings.key_to_bindings.items()
            if not any("pick_preset" in binding.action for binding in bindings)
        }

    assert {"f9", "f10", "f11", "f12", "ctrl+b", "ctrl+q", "ctrl+z"} <= bound
    # Selecting a line or all of a prompt was never promised; f6 and f7 pick shipped presets.
    for key in bound - {"f6", "f7"}:
        with pytest.raises(ValueError, match=r"needs itself|belongs to the prompt|no key"):
            normalized_key(key)
