"""Typed and pasted, the same characters are the same text; only the drawing is made safe."""

from __future__ import annotations

import pytest
from textual import events
from textual.keys import _character_to_key

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, run_to_end
from tui.common.visible import visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.screen import InputScreen
from tui.inputs.stand_ins import drawn, exact, safe, safe_line
from tui.score.input import ScoreInput

ODD = [*"\u3000\u00a0\u200b\u200c\u200d\u200f\u2028\u2029\u00ad\ufeff\u202e\ufe0f\U000e0041\u3164"]
ODD += ["\U00100000", "\U0010fffd", "\ue000", "\u0378"]
TEXT = "a" + "b".join(ODD) + "z"


@pytest.mark.parametrize("hold", [safe, safe_line])
def test_what_is_held_is_safe_and_comes_out_to_the_letter(hold):
    text = TEXT + "\x0b\x0c\x1b\x1c\x85\ud800\n\t" * 2
    held = hold(text)
    assert exact(held) == text
    assert len(held) == len(text) == len(drawn(held))
    assert held.splitlines() == held.split("\n")[: len(held.splitlines())]
    shown = drawn(held).replace("\n", "").replace("\t", "")
    assert visible_prose(shown) == shown


async def type_in(pilot, text):
    for one in text:
        pilot.app.post_message(events.Key(_character_to_key(one), one))
        await pilot.pause()


async def paste(pilot, text):
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


@pytest.mark.parametrize("put", [type_in, paste])
async def test_prompt(put):
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await put(pilot, TEXT)
        assert app_of(pilot).main.prompt.text == TEXT
        await run_to_end(pilot, TEXT)
        assert app_of(pilot).playground.document.turns[0].prompt == TEXT


@pytest.mark.parametrize("put", [type_in, paste])
async def test_a_line(put):
    taken = []
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        pilot.app.push_screen(InputScreen("a line", taken.append, hint="", accept="takes it"))
        await pilot.pause()
        await put(pilot, TEXT)
        assert pilot.app.screen.query_one(ExactLine).exact_value == TEXT
        await pilot.press("enter")
        assert taken == [TEXT]


@pytest.mark.parametrize("put", [type_in, paste])
async def test_the_text_to_score(put):
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        app_of(pilot).action_score()
        await pilot.pause()
        await put(pilot, TEXT)
        assert pilot.app.screen.query_one(ScoreInput).exact_text == TEXT


async def test_a_paste_of_several_lines_is_whole_in_one_line_too():
    taken = []
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        pilot.app.push_screen(InputScreen("a line", taken.append, hint="", accept="takes it"))
        await pilot.pause()
        await paste(pilot, "one\r\n\ttwo\n")
        await pilot.press("enter")
        assert taken == ["one\n\ttwo"]


async def test_half_a_character_and_control_keys_are_no_text():
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        for key in (
            events.Key("x", "\ud800"),
            events.Key("ctrl+a", "\x01"),
            events.Key("f5", None),
        ):
            pilot.app.post_message(key)
        pilot.app.post_message(events.Key("ideographic_space", None))
        await pilot.pause()
        assert app_of(pilot).main.prompt.text == "\u3000"
