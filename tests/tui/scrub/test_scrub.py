"""The screen that moves settings over a finished run: keys, what they show, what comes back."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from textual.widgets import Input, Static

from core.backends.scripted import ScriptedBackend
from core.looking_back.other_settings.dial_table import DIALS
from core.looking_back.other_settings.look import Looker
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from tests.around.test_imports import MODEL_LIBRARIES, loaded_after
from tests.core.looking_back.recorded import recorded, run_of
from tests.tui.helpers import BOOK, app_of, footer_keys, make_app, until
from tests.tui.scrub.scrubbed import PROMPT, STORY, Words, story_run
from tui.common.dials.list import DialList
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.help.screen import HelpScreen, HelpText
from tui.inputs.name_preset import NamePresetScreen
from tui.scrub.screen import ScrubResult, ScrubScreen
from tui.scrub.step_map import StepMap
from tui.scrub.text import ScrubText

SIZE = (80, 24)
NAMES = [dial.name for dial in DIALS]
NGRAM = NAMES.index("no_repeat_ngram_size")
ONCE = Settings(max_new_tokens=200, no_repeat_ngram_size=1)
"""The story's settings with every word allowed once."""


class Opened:
    """A scrub screen in a running app, and what came of it."""

    def __init__(self, run: RecordedRun | None = None, *, step: int = 2, preset=None, save=None):
        self.run = run if run is not None else story_run()
        self.saved: list[tuple[str, Settings]] = []
        self.results: list[ScrubResult | None] = []
        preset = preset if preset is not None else BOOK.named("greedy")
        self.screen = ScrubScreen(self.run, preset, BOOK.presets, step, save or self._save)

    def _save(self, name, settings):
        self.saved.append((name, settings))
        return f"saved as [b]{name}[/b]"

    async def open(self, pilot):
        app_of(pilot).push_screen(self.screen, self.results.append)
        await self.rest(pilot)

    async def press(self, pilot, *keys):
        await pilot.press(*keys)
        await self.rest(pilot)

    async def rest(self, pilot):
        await until(pilot, lambda: self.screen.is_mounted and "…" not in self.summary[:1])

    def plain(self, selector):
        return self.screen.query_one(selector, LinesView).plain

    @property
    def summary(self):
        return self.plain("#scrub-summary")

    @property
    def step(self):
        return self.plain("#scrub-step-rows")

    @property
    def text(self):
        return self.screen.query_one(ScrubText).plain

    def dial(self, name):
        rows = self.plain("#scrub-dial-rows").splitlines()
        return next(row for row in rows if row[2:].startswith(f"{name} "))


async def pressed_down_to(opened, pilot, name):
    await opened.press(pilot, *["down"] * NAMES.index(name))


def letters(text):
    return "".join(text.split())


def first_of(run, settings):
    return scrub(Sweeper(run), settings).first_divergence


def test_the_screen_loads_no_model_library():
    loaded = loaded_after("import tui.scrub.screen, core.presets.writer")
    assert "tui.scrub.screen" in loaded
    assert loaded.isdisjoint(MODEL_LIBRARIES)


async def test_it_opens_on_the_run_as_it_was():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        assert opened.summary.startswith("the run's own settings: ←→ changes one")
        assert letters(opened.text) == letters(PROMPT + STORY)
        assert "hypothetical" not in opened.text
        assert opened.step.splitlines()[0] == f"step 3 of {len(opened.run.token_ids)}"
        assert "·a would be the same" in opened.step
        hints = {hint.meaning: hint.shown for hint in opened.screen.query_one(KeyBar).hints}
        assert hints["setting"] == "↑↓"
        assert {"change", "next", "run", "save", "close", "help", "step"} <= set(hints)


async def test_a_setting_that_is_moved_shows_at_once_what_it_would_do():
    opened = Opened()
    first = first_of(opened.run, ONCE)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pressed_down_to(opened, pilot, "no_repeat_ngram_size")
        await opened.press(pilot, "right")
        told = scrub(Sweeper(opened.run), ONCE)
        assert opened.summary == (
            f"{told.differing} of {len(told.steps)} steps would differ, {told.cut} tokens cut;"
            f" first at step {first + 1}"
        )
        assert opened.step.startswith(
            f"step {first + 1} of {len(told.steps)} · ◆ the first divergence"
        )
        assert "(n-gram cuts) → " in opened.step
        text = opened.text
        words = opened.run.start.texts
        before = "".join(words.token_text(one) for one in opened.run.token_ids[: first + 1])
        pick = words.token_text(told.steps[first].pick).replace(" ", "·")
        certain, rule, _ = text.partition("── hypothetical from here on ──")
        assert rule
        assert letters(certain) == letters(f"{PROMPT}{before}→{pick}")
        assert opened.dial("no_repeat_ngram_size").split() == [
            *("▸", "no_repeat_ngram_size", "◂", "1▸", "off")
        ]
        await opened.press(pilot, "0")
        assert opened.summary.startswith("the run's own settings")
        await opened.press(pilot, "shift+right")
        assert opened.dial("no_repeat_ngram_size").split()[3] == "3▸"
        await opened.press(pilot, "0")
        assert opened.dial("no_repeat_ngram_size").split()[3] == "off▸"


async def test_what_it_shows_on_the_bundled_model(demo):
    own = Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=60, seed=4)
    run, _ = recorded(demo.model, demo.codec, own, "A long long time ago, ")
    opened = Opened(run, preset=Preset("nucleus", "", "", own))
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "left", "left", "left", "left")
        told = scrub(Sweeper(run), own.replace(temperature=0.8))
        assert f"{told.differing} of 60 steps would differ, {told.cut} token" in opened.summary
        await pilot.press("r")
        assert opened.results == [ScrubResult(own.replace(temperature=0.8), told.first_divergence)]
        assert app_of(pilot).screen is app_of(pilot).main


async def test_without_a_difference_there_is_nothing_to_run():
    opened = Opened(step=7)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "r")
        assert opened.summary == "⚠ no step would differ, so there is nothing to run"
        await pressed_down_to(opened, pilot, "no_repeat_ngram_size")
        await opened.press(pilot, *["right"] * 12)
        assert opened.summary.startswith("none of ")
        await opened.press(pilot, "r")
        assert opened.summary == "⚠ no step would differ, so there is nothing to run"
        assert opened.results == []


async def test_where_steps_are_no_longer_kept_the_run_begins_at_the_selected_one():
    run = story_run()
    run = dataclasses.replace(run, steps=(None, *run.steps[1:]))
    opened = Opened(run, step=7)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "r")
        assert opened.results == [], "its own settings would change nothing"
        await pressed_down_to(opened, pilot, "no_repeat_ngram_size")
        await opened.press(pilot, *["right"] * 12)
        assert opened.summary.startswith("none of ")
        await opened.press(pilot, "left_square_bracket")
        selected = int(opened.step.split()[1]) - 1
        await pilot.press("r")
        assert [one.step for one in opened.results] == [selected]


@pytest.mark.parametrize("action", ["run", "close"])
async def test_it_closes_once_however_often_it_is_told_to(action):
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pressed_down_to(opened, pilot, "no_repeat_ngram_size")
        await opened.press(pilot, "right")
        for _ in range(3):
            await opened.screen.run_action(action)
        await until(pilot, lambda: bool(opened.results))
        assert len(opened.results) == 1
        assert app_of(pilot).screen is app_of(pilot).main


@pytest.mark.parametrize("key", ["f12", "question_mark"])
async def test_help_names_every_key(key):
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pilot.press(key)
        assert isinstance(app_of(pilot).screen, HelpScreen)
        told = str(app_of(pilot).screen.query_one(HelpText).content).split("\n\n")[0]
        keys = " ".join(line[:20] for line in told.splitlines()[1:]).split()
        assert {"↑", "↓", "←", "→", "0", "⌫", "p", "P", *"[]nf", "pgup", "pgdn", "r", "k"} < {*keys}
        await pilot.press("escape")
        assert app_of(pilot).screen is opened.screen


async def test_esc_gives_nothing():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "left")
        await pilot.press("escape")
        assert opened.results == [None]


async def test_steps_and_differences_are_walked_through():
    opened = Opened(step=10**6)
    count = len(opened.run.token_ids)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        assert opened.step.startswith(f"step {count} of")
        await opened.press(pilot, "right_square_bracket")
        assert opened.step.startswith(f"step {count} of")
        await opened.press(pilot, "alt+left", "left_square_bracket", "alt+right")
        assert opened.step.startswith(f"step {count - 1} of")
        await opened.press(pilot, "n")
        assert opened.summary == "⚠ no step would differ; ←→ changes a setting"
        assert opened.step.startswith(f"step {count - 1} of")

        await pressed_down_to(opened, pilot, "no_repeat_ngram_size")
        await opened.press(pilot, "right")
        told = scrub(Sweeper(opened.run), ONCE)
        assert opened.step.startswith(f"step {count - 1} of {count} · hypothetical")
        differing = [one.index for one in told.steps if one.differs]
        await opened.press(pilot, "n", *["n"] * (1 if differing[-1] > count - 2 else 0))
        assert opened.step.startswith(f"step {differing[0] + 1} of {count} · ◆")
        await opened.press(pilot, "n")
        assert opened.step.startswith(f"step {differing[1] + 1} of {count} · hypothetical")
        await opened.press(pilot, "f")
        assert opened.step.startswith(f"step {differing[0] + 1} of")
        await opened.press(pilot, "right", "right")
        first = first_of(opened.run, ONCE.replace(no_repeat_ngram_size=3))
        assert opened.step.startswith(f"step {first + 1} of")


async def test_sampling_is_turned_on_with_a_word():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        assert opened.dial("temperature").split()[-3:] == ["◂", "–▸", "1"]
        assert "no effect while nothing is drawn" in opened.plain("#scrub-dial-rows")
        await opened.press(pilot, "right")
        assert opened.summary == "⚠ do_sample is true now: without it nothing is drawn"
        assert opened.dial("do_sample").split() == ["do_sample", "true", "false"]
        await opened.press(pilot, "right")
        assert "would differ" in opened.summary
        await pressed_down_to(opened, pilot, "do_sample")
        await opened.press(pilot, "left")
        assert opened.summary.startswith("the run's own settings")
        await opened.press(pilot, "right", "backspace")
        assert opened.dial("do_sample").split()[-2:] == ["false▸", "false"]


async def test_presets_are_taken_over_one_after_the_other():
    opened = Opened()

    def title():
        return str(opened.screen.query_one("#scrub-dials").border_title)

    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        assert title() == "settings · as greedy"
        await opened.press(pilot, "p")
        assert title() == "settings · as nucleus"
        assert opened.dial("top_p").split()[1] == "0.9"
        await opened.press(pilot, "p")
        assert title() == "settings · as odd"
        await opened.press(pilot, "P", "P")
        assert title() == "settings · as greedy"
        await opened.press(pilot, *["down"] * 5, "right")
        assert title() == "settings"
        await opened.press(pilot, "p")
        assert title() == "settings · as greedy"


async def test_presets_that_choose_alike_hold_nobody_up():
    opened = Opened()
    alike = [
        Preset(name, "", "", Settings(max_new_tokens=size))
        for name, size in zip("abc", (1, 2, 3), strict=True)
    ]
    presets = [*alike, BOOK.named("nucleus")]
    opened.screen = ScrubScreen(opened.run, presets[0], presets, 2, opened._save)

    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "p", "p", "p")
        assert opened.dial("top_p").split()[1] == "0.9"
        await opened.press(pilot, "P", "P", "P", "P")
        assert opened.dial("top_p").split()[1] == "0.9"


async def test_it_saves_what_it_shows_under_a_name():
    own = Settings(do_sample=True, top_k=0, seed=5)
    run = story_run(own)
    opened = Opened(run, preset=Preset("one", "", "", own.replace(seed=None)))
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "right")
        await pilot.press("k", *"mine ", "enter")
        assert opened.saved == [("mine", Settings(do_sample=True, top_k=0, temperature=1.05))]
        assert opened.summary == "✓ saved as [b]mine[/b]"
        assert app_of(pilot).screen is opened.screen
        await pilot.press("k", "escape")
        assert app_of(pilot).screen is opened.screen
        assert len(opened.saved) == 1
        await opened.press(pilot, "down")
        assert "saved" not in opened.summary


async def test_a_name_that_cannot_be_had_is_asked_for_again():
    def refuse(name, settings):
        raise PlaygroundError(f"there is a preset [b]{name}[/b] already")

    opened = Opened(save=refuse)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pilot.press("k", *"ab", "enter")
        box = app_of(pilot).screen
        assert isinstance(box, NamePresetScreen)
        fault = box.query_one("#name-preset-fault", Static)
        assert str(fault.content) == "there is a preset [b]ab[/b] already"
        assert box.query_one(Input).value == "ab"


async def test_a_preset_is_saved_once_however_often_enter_is_pressed():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pilot.press("k", *"ab")
        name = app_of(pilot).screen.query_one(Input)
        for _ in range(3):
            name.post_message(Input.Submitted(name, "ab"))
        await until(pilot, lambda: app_of(pilot).screen is opened.screen)
        await opened.rest(pilot)
        assert [name for name, _ in opened.saved] == ["ab"]


async def test_the_newest_settings_win_and_keys_are_never_held_up(monkeypatch):
    gate, looked = threading.Event(), []
    plain_look = Looker.look

    def look(self, settings, index, *, follows):
        gate.wait(10)
        looked.append((settings.no_repeat_ngram_size, threading.get_ident()))
        return plain_look(self, settings, index, follows=follows)

    monkeypatch.setattr(Looker, "look", look)
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        app_of(pilot).push_screen(opened.screen, opened.results.append)
        await until(pilot, lambda: opened.screen.is_mounted)
        assert opened.summary == "… reading what the model weighed at every step"
        await pilot.press(*["down"] * NGRAM, "right", "right", "right", "right")
        assert opened.dial("no_repeat_ngram_size").split()[3] == "4▸"
        assert opened.summary.startswith("… ")
        await pilot.press("n", "f")
        await pilot.press("r")
        assert opened.results == []
        gate.set()
        await until(pilot, lambda: bool(opened.results))
        assert opened.results[0].settings.no_repeat_ngram_size == 4
        assert [size for size, _ in looked] == [0, 4]
        assert threading.get_ident() not in [thread for _, thread in looked]


async def test_settings_moved_after_r_are_not_run(monkeypatch):
    gate = threading.Event()
    plain_look = Looker.look

    def look(self, settings, index, *, follows):
        gate.wait(10)
        return plain_look(self, settings, index, follows=follows)

    monkeypatch.setattr(Looker, "look", look)
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        app_of(pilot).push_screen(opened.screen, opened.results.append)
        await until(pilot, lambda: opened.screen.is_mounted)
        await pilot.press("r", "down", "right")
        gate.set()
        await opened.rest(pilot)
        assert opened.results == []


async def test_esc_closes_while_it_looks(monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(Looker, "look", lambda self, settings, index, follows: gate.wait(10))
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        app_of(pilot).push_screen(opened.screen, opened.results.append)
        await until(pilot, lambda: opened.screen.is_mounted)
        await pilot.press("right", "escape")
        assert opened.results == [None]
        gate.set()
        await pilot.pause(0.05)


async def test_a_failure_is_one_sentence_and_nothing_is_run():
    opened = Opened(story_run(Settings(num_beams=3)))
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        assert opened.summary.startswith("⚠ beams choose among whole texts")
        await opened.press(pilot, "r", "n", "right")
        assert opened.results == []
        await pilot.press("escape")
        assert opened.results == [None]


async def test_a_run_without_steps_is_no_trouble():
    opened = Opened(run_of([], []))
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, "right", "n", "f", "left_square_bracket", "pageup", "pagedown")
        assert "the run has no steps" in opened.step
        await pilot.press("r")
        assert opened.results == []


async def test_clicks_pick_settings_and_steps():
    opened = Opened(step=0)
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pilot.click(DialList, offset=(4, 1 + NGRAM))
        await opened.rest(pilot)
        assert opened.dial("no_repeat_ngram_size").startswith("▸")
        await pilot.click(DialList, offset=(4, 0))
        await pilot.click(DialList, offset=(4, 10))
        assert opened.dial("no_repeat_ngram_size").startswith("▸")
        await pilot.click(ScrubText, offset=(len(" A long long time ago, there "), 0))
        await opened.rest(pilot)
        assert opened.step.startswith("step 2 of")
        await pilot.click(ScrubText, offset=(2, 0))
        await opened.rest(pilot)
        assert opened.step.startswith("step 2 of")
        await pilot.click(StepMap, offset=(77, 0))
        await opened.rest(pilot)
        last_cell = 1 + 77 * len(opened.run.token_ids) // 78
        assert opened.step.startswith(f"step {last_cell} of")


async def test_the_selected_token_is_scrolled_into_sight():
    opened = Opened(step=10**6)
    async with make_app(ScriptedBackend()).run_test(size=(80, 12)) as pilot:
        await opened.open(pilot)
        text = opened.screen.query_one(ScrubText)
        assert text.scroll_offset.y == text.max_scroll_y > 0
        await opened.press(pilot, "pageup", "pageup")
        assert text.scroll_offset.y == 0
        await opened.press(pilot, "pagedown")
        assert text.scroll_offset.y > 0
        await opened.press(pilot, "pageup", "left_square_bracket")
        assert text.scroll_offset.y > 0


@pytest.mark.parametrize("size", [(60, 30), (60, 18), (80, 24), (120, 40), (200, 60), (20, 6)])
async def test_hostile_texts_at_every_size(size):
    hostile = "[/b][@click=app.quit]\x1b]0;owned\x07\x9b31m\u202e漢字"
    run = story_run(None, hostile)
    texts = run.start.texts
    assert isinstance(texts, Words)
    texts.names[run.token_ids[3]] = hostile
    opened = Opened(run, preset=Preset(hostile, "", "", Settings()))
    async with make_app(ScriptedBackend()).run_test(size=size) as pilot:
        await opened.open(pilot)
        await opened.press(pilot, *["down"] * NGRAM, "right", "n", "n")
        drawn = "".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        assert not set("\x1b\x07\x9b\u202e") & set(drawn)
        await pilot.resize_terminal(size[0] + 20, size[1] + 3)
        await opened.press(pilot, "k", "escape", "pagedown", "pageup")
        assert app_of(pilot).screen is opened.screen


async def test_the_main_screen_is_as_before_when_it_is_left():
    opened = Opened()
    async with make_app(ScriptedBackend()).run_test(size=SIZE) as pilot:
        await opened.open(pilot)
        await pilot.press("escape", *"ab")
        assert app_of(pilot).main.prompt.text == "ab"
        assert "help" in footer_keys(pilot)
