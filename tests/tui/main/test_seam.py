"""What is typed goes on from the document to the letter, and where it does is seen before Enter."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.content import Content

from core.backends.scripted import ScriptedBackend
from core.records.prompt_tokens import SPACE_AT_THE_END
from tests.tui.helpers import BOOK, app_of, make_app, run_to_end, stopped, until
from tui.common.key_bar import KeyBar
from tui.main.prompt.line import PromptLine
from tui.main.prompt.seam import LONGEST_END, seam
from tui.main.welcome import EXAMPLE_PROMPT


def drawn(end, typed, width=80):
    return "".join(text for text, _ in seam(end, typed, width))


@pytest.mark.parametrize(
    ("end", "typed", "shown"),
    [
        ("a galaxy far", "away", "a galaxy far▏away"),
        ("a galaxy far", " away", "a galaxy far▏·away"),
        ("a galaxy far ", " away", "a galaxy far·▏·away"),
        ("the end.\n", "\n\tOnce more", "the end.⏎▏⏎⇥Once more"),
        ("one\ntwo", "three\nfour", "one⏎two▏three⏎four"),
        ("a galaxy far", "", "a galaxy far▏"),
        ("far\u202e", "\u200fx", "far\\u202e▏\\u200fx"),
        ("", "Once", ""),
    ],
)
def test_white_space_on_either_side_is_seen(end, typed, shown):
    assert drawn(end, typed) == shown


@pytest.mark.parametrize("width", range(0, 120, 7))
def test_both_sides_fit_the_frame(width):
    row = drawn("so it was that they came " * 9, " and went on " * 9, width)
    assert cell_len(row) <= max(0, width - 4)
    assert not row or "▏" in row


class Asked(ScriptedBackend):
    """Remembers what was asked of it."""

    def __init__(self, **script):
        super().__init__(**script)
        self.requests = []

    def generate(self, request, is_cancelled):
        self.requests.append(request)
        yield from super().generate(request, is_cancelled)


@pytest.mark.parametrize("typed", ["away", " away", "\naway", "  away", "away\n"])
async def test_a_further_prompt_is_read_as_it_is_typed(typed):
    backend = Asked()
    async with make_app(backend).run_test(size=(100, 30)) as pilot:
        await run_to_end(pilot, "Once")
        text = app_of(pilot).playground.document.text
        line = pilot.app.query_one(PromptLine)
        for key in typed:
            await pilot.press({"\n": "ctrl+j", " ": "space"}.get(key, key))
        await pilot.pause()
        assert line.plain == drawn(text[-LONGEST_END:] + "∎", typed, 100)  # the text has ended
        assert Content.from_markup(line.border_title).plain == line.plain
        await pilot.press("enter")
        await stopped(pilot)
        assert backend.requests[-1].prompt == typed
        assert app_of(pilot).playground.document.text.startswith(text + typed)


async def test_a_new_line_is_one_key_and_told():
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        await pilot.press("a", "ctrl+j", "b")
        await pilot.pause()
        assert app_of(pilot).main.prompt.text == "a\nb"
        hints = pilot.app.query_one(KeyBar).hints
        assert ("^j", "new line") in [(one.shown, one.meaning) for one in hints]


async def test_a_space_at_the_end_is_pointed_out_once(monkeypatch):
    monkeypatch.setattr(
        "core.playground.prompts.ends_in_a_words_space", lambda text, _tokens: text[-1:] == " "
    )
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        playground = app_of(pilot).playground
        await run_to_end(pilot, "Once")
        assert playground.notices.current is None
        await run_to_end(pilot, "and then ")
        assert playground.notices.current.text == SPACE_AT_THE_END
        await run_to_end(pilot, "and then ")
        assert playground.notices.current is None


async def test_a_space_at_the_end_is_pointed_out_by_hand_too(monkeypatch):
    monkeypatch.setattr(
        "core.playground.prompts.ends_in_a_words_space", lambda text, _tokens: text[-1:] == " "
    )
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        playground = app_of(pilot).playground
        await run_to_end(pilot, "Once")
        await pilot.press("ctrl+r")
        await run_to_end(pilot, "and then ")
        assert playground.notices.current.text == SPACE_AT_THE_END


async def test_by_hand_the_candidates_are_seen_on_the_smallest_screen():
    async with make_app(ScriptedBackend()).run_test(size=(60, 20)) as pilot:
        await run_to_end(pilot, "Once")
        side = app_of(pilot).main.query_one("#side")
        assert not side.display
        await pilot.press("ctrl+r", "f10")
        await pilot.pause(0.3)
        assert side.display
        assert app_of(pilot).main.query_one("#step-table").size.height == 6
        assert app_of(pilot).main.transcript.size.height > 1


async def test_by_hand_no_choice_of_another_preset_is_offered():
    async with make_app(ScriptedBackend()).run_test(size=(100, 30)) as pilot:
        await run_to_end(pilot, "Once")
        playground = app_of(pilot).playground
        await pilot.press("ctrl+r")
        await until(pilot, lambda: playground.document.next_token is not None)
        playground.next_run.pick(BOOK.presets[2])
        assert not playground.by_hand.can_choose
        app_of(pilot).painting.changed()
        await until(pilot, lambda: playground.by_hand.can_choose)
        assert playground.document.weighed_for[0] == BOOK.presets[2].settings


def test_the_example_does_not_end_in_a_space():
    assert EXAMPLE_PROMPT.strip() == EXAMPLE_PROMPT
