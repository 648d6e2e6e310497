"""Conversations in the app: forks, steps by hand, new conversations, and what the prompt offers."""

from __future__ import annotations

import pytest

from core.presets.book import Preset, PresetBook
from core.records.chat import ChatFormat, Message, render
from core.records.settings import Settings
from tests.tui.helpers import (
    BOOK,
    app_of,
    footer_keys,
    ready,
    run_prompt,
    run_to_end,
    shown_document,
    status,
    stopped,
    until,
)
from tests.tui.screen_app import shown
from tui.app.playground import PlaygroundApp
from tui.inputs.screen import InputScreen
from tui.main.prompt.hint import prompt_hint
from tui.tree.screen import TreeScreen

SIZE = (120, 40)
CHAT = ChatFormat("Two people talk.\n\n", "Q: ", "A:")
NEW = "a new conversation, which reads nothing above"


@pytest.fixture
def app():
    from core.backends.local import LocalBackend

    presets = (
        Preset("chat", "f8", "", Settings(max_new_tokens=8), CHAT),
        Preset("greedy", "f1", "", Settings(max_new_tokens=4)),
        Preset("beam", "f2", "", Settings(num_beams=3, max_new_tokens=3)),
    )
    return PlaygroundApp(
        lambda _name: LocalBackend("demo", device="cpu"), PresetBook(BOOK.path, presets)
    )


def turns(pilot):
    return app_of(pilot).playground.document.turns


def read(pilot):
    """The text that the newest run began from."""
    from tokenizers import Tokenizer

    from core.models.catalog import model_folder

    tokenizer = Tokenizer.from_file(str(model_folder("demo") / "tokenizer.json"))
    token_ids = turns(pilot)[-1].started.context_token_ids
    return tokenizer.decode(token_ids, skip_special_tokens=False)


def talk(*said):
    roles = ("user", "assistant") * len(said)
    return render([Message(*one) for one in zip(roles, said, strict=False)], CHAT)


def hint(pilot):
    return str(app_of(pilot).main.prompt.placeholder)


async def test_a_forked_answer_is_read_by_the_next_message(app):
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Who are you?")
        first = turns(pilot)[0].text.strip()
        await run_to_end(pilot, "And the sea?")
        await pilot.press("left", "left", "f9")
        await pilot.pause(0.2)
        await pilot.press("down", "enter")
        await stopped(pilot)
        kept, forked = turns(pilot)[1:]
        assert " instead of " in shown_document(pilot)
        assert forked.steps[0].chosen_by == "person"
        second = (kept.text + forked.text).strip()
        assert len(kept.steps) == 5

        await run_to_end(pilot, "And the fox?")
        assert read(pilot) == talk("Who are you?", first, "And the sea?", second, "And the fox?")
        assert NEW not in shown_document(pilot)


async def test_an_answer_with_typed_text_is_read_by_the_next_message(app):
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Who are you?")
        await pilot.press("home", "right", "f9")
        await pilot.pause(0.2)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, InputScreen))
        await pilot.press(*" am a fox.", "enter")
        await until(pilot, lambda: app.screen is app.main)
        await stopped(pilot)
        kept, forked = turns(pilot)
        assert forked.text.startswith(" am a fox.")
        assert forked.text.splitlines()[0] in shown_document(pilot)
        said = f"{kept.text}{forked.text}".strip()

        await run_to_end(pilot, "Why?")
        assert read(pilot) == talk("Who are you?", said, "Why?")


async def test_an_answer_by_hand(app):
    import torch
    from transformers import AutoModelForCausalLM

    from core.models.catalog import model_folder

    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await run_prompt(pilot, "hi there")
        await stopped(pilot)
        assert hint(pilot) == "type a message, or press Enter for the next token"
        for key in ("enter", "2", "enter", "enter"):
            await until(pilot, lambda: app.playground.document.next_token is not None)
            await pilot.press(key)
            await stopped(pilot)
        (turn,) = turns(pilot)
        chosen, token_ids, answer = turn.steps[1], app.playground.document.token_ids, turn.text
        await run_to_end(pilot, "Why?")
        assert read(pilot) == talk("hi there", answer.strip(), "Why?")

    model = AutoModelForCausalLM.from_pretrained(model_folder("demo"))
    assert (chosen.token.token_id, chosen.chosen_by) == (token_ids[-3], "person")
    context = torch.tensor([token_ids[:-2]])
    expected = model.generate(context, max_new_tokens=2, do_sample=False, pad_token_id=0)
    assert tuple(expected[0].tolist()) == token_ids


async def test_a_conversation_after_something_else_says_that_it_is_new(app):
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Who are you?")
        await pilot.press("f1")
        await run_to_end(pilot, "A story")
        assert NEW not in shown_document(pilot)
        await pilot.press("f8")
        await run_to_end(pilot, "And now?")
        assert read(pilot) == talk("And now?")
        assert shown_document(pilot).count(NEW) == 1
        await run_to_end(pilot, "And then?")
        assert shown_document(pilot).count(NEW) == 1

        await pilot.press("ctrl+b")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await pilot.pause()
        tree = shown(pilot)
        assert "new conversation And now?" in tree
        assert "fork" not in tree
        await pilot.press("up")
        await pilot.pause()
        assert "begins a conversation after run 2" in shown(pilot)


async def test_an_answer_that_was_cut_is_gone_on_with(app):
    async with app.run_test(size=SIZE) as pilot:
        await run_to_end(pilot, "Who are you?")
        first = turns(pilot)[0]
        assert first.finished.reason == "length"
        assert hint(pilot) == "type a message, or press Enter to let the answer go on"
        await run_to_end(pilot, "")
        whole = (first.text + turns(pilot)[1].text).strip()
        await run_to_end(pilot, "Why?")
        assert read(pilot) == talk("Who are you?", whole, "Why?")


async def test_the_prompt_promises_only_what_enter_does(app):
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f1")
        await run_to_end(pilot, "A story")
        assert hint(pilot) == "write on, or press Enter to let the model go on"
        await pilot.press("ctrl+r")
        assert hint(pilot) == "write what comes next, or press Enter for the next token"
        await pilot.press("ctrl+r", "f8")
        assert hint(pilot) == "type a message"
        for nothing in ("", "  "):
            await run_prompt(pilot, nothing)
            await pilot.pause()
            assert "type a message first" in status(pilot)
        assert len(turns(pilot)) == 1
        assert "run" in footer_keys(pilot)
        app.playground.prompts.queued = "waiting"
        assert prompt_hint(app.playground) == "a prompt waits for the model: Esc takes it back"
        app.playground.model.load_error = "gone"
        assert prompt_hint(app.playground) == "no model is loaded: ctrl+o has others"


async def test_beams_by_hand_are_one_text(app):
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("f2")
        await run_to_end(pilot, "Once")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.playground.document.next_token is not None)
        second = app.playground.document.next_token.distribution.candidates[1]
        await pilot.press("2")
        await until(pilot, lambda: app.playground.document.next_token is not None)
        turn = turns(pilot)[-1]
        assert (turn.preset_name, turn.settings.num_beams) == ("beam*", 1)
        assert (turn.steps[0].token, turn.steps[0].chosen_by) == (second, "person")
        await pilot.press("home", "2")
        await pilot.pause()
        assert "F9 goes on from any beam" in status(pilot)
