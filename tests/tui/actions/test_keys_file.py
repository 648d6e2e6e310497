"""The user's own keys: what a keys file may say, and that the whole app follows it."""

from __future__ import annotations

import threading

import pytest
from textual._xterm_parser import XTermParser

from core.backends.scripted import ScriptedBackend
from core.presets.finding import load_presets
from core.presets.keys import INDISTINCT_KEYS
from core.presets.writer import SAVED_KEYS
from core.records.settings import Settings
from tests.tui.helpers import (
    BOOK,
    footer_keys,
    make_app,
    ready,
    run_prompt,
    run_to_end,
    status,
    stopped,
    until,
)
from tui.actions.keys import Keys
from tui.actions.keys_file import KeysError, load_keys
from tui.help.menu import MenuScreen
from tui.help.screen import HelpScreen, HelpText
from tui.why.tokens import WhyScreen


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "keys.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_without_a_file_the_keys_are_the_tables(tmp_path):
    assert load_keys(tmp_path / "keys.yaml", BOOK).keymap == {}


@pytest.mark.parametrize("target", ["nowhere", "keys.yaml"])
def test_a_broken_link_is_told(tmp_path, target):
    (tmp_path / "keys.yaml").symlink_to(target)
    with pytest.raises(KeysError, match=r"cannot read keys from .*: it "):
        load_keys(tmp_path / "keys.yaml", BOOK)


@pytest.mark.parametrize("text", ["", "# nothing\n", "keys:\n"])
def test_an_empty_file_changes_nothing(write, text):
    assert load_keys(write(text), BOOK).keymap == {}


def test_keys_are_read_in_any_spelling(write):
    keys = load_keys(write("keys:\n  why: [F5, Alt-E]\n  mark: v\n  tree: F9\n"), BOOK)
    assert keys.keymap == {"why": "f5,alt+e", "mark": "v", "tree": "f9"}


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("keys: [", 1, "not valid YAML"),
        ("why: f5\n", 1, "the file must be a mapping with 'keys:' alone"),
        ("keys:\n  whyy: f5\n", 2, "there is no action 'whyy'; did you mean 'why'?"),
        ("keys:\n  quit: f5\n  why: f5\n", 2, "key 'f5' belongs to 'why' already"),
        ("keys:\n  why: ctrl+b\n", 2, "key 'ctrl+b' belongs to 'tree' already"),
        ("keys:\n  why: f1\n", 2, "key 'f1' belongs to preset 'greedy' in presets.yaml"),
        ("keys:\n  why: w\n", 2, "is a character that belongs to the text"),
        ("keys:\n  score_it: x\n", 2, "is a character that belongs to the text"),
        ("keys:\n  why: ctrl+i\n", 2, "is one that terminals cannot tell from another"),
        ("keys:\n  why: shift+f3\n", 2, "is one that terminals cannot tell from another"),
        ("keys:\n  why: enter\n", 2, "is needed for what is typed"),
        ("keys:\n  why: ctrl+u\n", 2, "is needed for what is typed"),
        ("keys:\n  why: hyper+f5\n", 2, "is no key"),
        ("keys:\n  mark: ä\n", 2, "is no key that every keyboard has"),
        ("keys:\n  mark: c\n", 2, "key 'c' belongs to 'compare' already"),
        ("keys:\n  why: []\n", 2, "must have a key or a list"),
        ("keys:\n  why: [f5, f5]\n", 2, "is given twice"),
        ("keys:\n  why: {a: b}\n", 2, "must have a key or a list"),
        ("keys:\n  why: f5\n  why: f6\n", 3, "'why' is given twice, first on line 2"),
        ("keys:\n  menu: ctrl+t\n", 2, "key 'ctrl+t' belongs to 'tint' already"),
    ],
)
def test_each_fault_is_one_sentence_with_its_line(write, text, line, sentence):
    path = write(text)
    with pytest.raises(KeysError) as caught:
        load_keys(path, BOOK)
    told = str(caught.value)
    assert told.startswith(f"{path}:{line}: ")
    assert sentence in told
    assert "\n" not in told


def test_two_actions_may_swap_their_keys(write):
    keys = load_keys(write("keys:\n  tint: ctrl+o\n  models: ctrl+t\n"), BOOK)
    assert keys.keymap == {"tint": "ctrl+o", "models": "ctrl+t"}


async def test_the_app_follows_the_users_keys_everywhere():
    keys = Keys({"why": ("f5",), "clear": ("f3",), "scrub": ("f7",), "next": ("v",)})
    app = make_app(ScriptedBackend(), keys=keys)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        assert "no text yet" in status(pilot)
        await run_to_end(pilot, "Once")
        assert footer_keys(pilot)["why"] == "F5"
        assert footer_keys(pilot)["clear"] == "F3"
        await pilot.press("f9")
        assert app.screen is app.main
        assert "F9 does nothing here" in status(pilot)
        await pilot.press("f7")
        assert "the model reads this run again" in status(pilot)
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "F5 · ^x x" in str(app.screen.query_one(HelpText).content)
        await pilot.press("escape", "f3")
        assert "cleared — F3 again brings it back" in status(pilot)
        await pilot.press("f3", "f5")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))


def test_no_preset_is_given_a_key_that_terminals_do_not_send():
    """Guards against shift+F3, which xterm's sequence makes a report of the cursor's place."""
    finals = dict(zip(("f1", "f2", "f3", "f4"), "PQRS", strict=True))
    numbers = dict(zip(("f5", "f6", "f7", "f8"), (15, 17, 18, 19), strict=True))
    for key in SAVED_KEYS:
        base = key.removeprefix("shift+")
        modifier = ";2" if base != key else ""
        sent = f"\x1b[{numbers.get(base)}{modifier}~"
        if base in finals:
            sent = f"\x1b[1;2{finals[base]}" if modifier else f"\x1bO{finals[base]}"
        parser = XTermParser()
        assert [getattr(one, "key", None) for one in parser.feed(sent)] == [key]
    assert "shift+f3" in INDISTINCT_KEYS
    assert len(SAVED_KEYS) == 15


_OWN = {
    "stop": ["f5"],
    "close": ["f6"],
    "open_file": ["f4"],
    "score_it": ["alt+s"],
    "go_on": ["alt+g"],
    "help": ["f3"],
    "menu": ["alt+m"],
}


async def test_sentences_name_the_users_own_keys():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend([" a", " b"], step_gate=gate)
    async with make_app(backend, keys=Keys(_OWN)).run_test(size=(120, 40)) as pilot:
        app = pilot.app
        await ready(pilot)
        await run_prompt(pilot, "Once")
        assert "F5 stops it" in str(app.main.prompt.placeholder)
        await pilot.press("ctrl+z", "enter")
        assert "still running — F5 stops it" in status(pilot)
        gate.release(2)
        await stopped(pilot)
        await pilot.press("f9")
        await until(pilot, lambda: bool(app.screen.query("#why-candidates")))
        assert "alt+g: go on" in str(app.screen.query_one("#why-candidates").border_subtitle)
        await pilot.press("t")
        await until(pilot, lambda: bool(app.screen.query("#score-input")))
        told = app.screen.query_one("#score-input")
        assert "alt+s scores it" in str(told.border_subtitle)
        assert "F4 gets a file" in str(told.border_subtitle)
        assert "get a file with F4" in str(told.placeholder)


def test_a_saved_preset_takes_none_of_the_users_own_keys(tmp_path):
    path = tmp_path / "presets.yaml"
    path.write_text("presets:\n  a: {key: f1}\n  b: {key: f2}\n")
    app = make_app(ScriptedBackend(), keys=Keys(_OWN))
    app.playground.next_run.use(load_presets(path))
    assert app.playground.next_run.save_preset("c", Settings()).endswith("it is on F7 now")


async def test_the_boxes_close_by_the_users_own_keys():
    async with make_app(ScriptedBackend(), keys=Keys(_OWN)).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        for key, box in (("f3", HelpScreen), ("alt+m", MenuScreen)):
            await pilot.press(key)
            await until(pilot, lambda box=box: isinstance(pilot.app.screen, box))
            await pilot.press(key)
            await until(pilot, lambda: pilot.app.screen is pilot.app.main)
