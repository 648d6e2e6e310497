"""The document: turns, what continues them, the cursor, and turns that fail."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.document.document import Document
from core.records.chat import ChatFormat
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Started

SHORT = Settings(max_new_tokens=3)


def play(document: Document, prompt: str, settings: Settings = SHORT, **script) -> Request:
    request = document.begin(prompt, "greedy", settings)
    for event in ScriptedBackend(**script).generate(request, lambda: False):
        document.apply(event)
    return request


def test_a_new_session_is_empty():
    document = Document()

    assert document.token_ids == ()
    assert document.selected() is None
    assert not document.is_running
    document.move_cursor(-1)
    assert document.cursor is None


def test_a_turn_holds_what_was_generated():
    document = Document()
    request = play(document, "one two")
    turn = document.turns[0]

    assert request == Request("one two", SHORT, ())
    assert turn.text == " far, away"
    assert turn.token_ids == (100, 101, 102)
    assert document.token_ids == (10, 11, 100, 101, 102)
    assert document.step_count() == 3


def test_a_turn_in_progress_is_readable_at_every_step():
    document = Document()
    request = document.begin("one", "greedy", SHORT)
    events = ScriptedBackend().generate(request, lambda: False)
    seen = []
    for event in events:
        document.apply(event)
        seen.append((document.turns[0].text, document.turns[0].token_ids, document.is_running))

    assert seen == [
        ("", (), True),
        (" far", (100,), True),
        (" far,", (100, 101), True),
        (" far, away", (100, 101, 102), True),
        (" far, away", (100, 101, 102), False),
    ]


def test_a_running_beam_search_shows_its_best_beam():
    document = Document()
    request = document.begin("one", "beam", Settings(num_beams=3, max_new_tokens=3))
    for event in list(ScriptedBackend().generate(request, lambda: False))[:3]:
        document.apply(event)

    assert document.turns[0].text == " far,"
    assert document.turns[0].token_ids == (100, 101)
    assert document.is_running


def test_what_is_typed_next_goes_on_from_the_text_to_the_letter():
    document = Document()
    play(document, "one two")
    request = play(document, " three")

    assert request.prompt == " three"
    assert document.text == "one two far, away three far, away"
    assert request.context_token_ids == (10, 11, 100, 101, 102)
    assert document.token_ids[:5] == request.context_token_ids


def test_nothing_is_put_before_a_prompt_after_an_end_of_text_either():
    document = Document()
    play(document, "one", Settings(max_new_tokens=50))
    assert document.turns[0].finished.reason == "end_of_text"

    assert play(document, "two").prompt == "two"


@pytest.mark.parametrize("length", [1, 4, 12, 13, 30, 100])
def test_the_end_of_the_text_is_the_text_s_own(length):
    document = Document()
    play(document, "one")
    play(document, "")
    play(document, " two")

    assert document.end(length) == document.text[-length:]


@pytest.mark.parametrize("length", [1, 9, 11, 12, 25, 100])
def test_nor_has_a_conversation_s_text_another_end(length):
    document = Document()
    for said in ("Hello", "Tell me"):
        request = document.begin(said, "greedy", SHORT, chat=ChatFormat("", "Q: ", "A:"))
        for event in ScriptedBackend().generate(request, lambda: False):
            document.apply(event)

    assert document.text == "Hello\n far, away\nTell me\n far, away"
    assert document.end(length) == document.text[-length:]


def test_continuing_without_a_prompt_adds_nothing():
    document = Document()
    play(document, "one")

    assert play(document, "").prompt == ""


def test_a_second_turn_cannot_begin_while_one_runs():
    document = Document()
    document.begin("one", "greedy", SHORT)

    with pytest.raises(RuntimeError, match="still running"):
        document.begin("two", "greedy", SHORT)


@pytest.mark.parametrize("model", [None, SCRIPTED_MODEL])
def test_a_run_by_hand_is_gone_on_with_by_what_wrote_it_alone(model):
    document = Document()
    for expected_turns in (1, 1):
        request = document.write(" a", "greedy", SHORT, model)
        for event in ScriptedBackend().generate(request, lambda: False):
            document.apply(event)
        assert len(document.turns) == expected_turns
    (turn,) = document.turns
    others = {None, SCRIPTED_MODEL, dataclasses.replace(SCRIPTED_MODEL, name="other")}
    assert turn.going_on(SHORT, model).written_token_ids == turn.token_ids
    assert all(turn.going_on(SHORT, one) is None for one in others - {model})
    assert turn.going_on(Settings(max_new_tokens=4), model) is None


def test_a_turn_that_fails_before_it_starts_is_removed():
    document = Document()
    play(document, "one")
    before = document.token_ids
    document.begin("far too long", "greedy", SHORT)
    document.apply(Finished("failed", (), "", 0.0, detail="too long"))

    assert len(document.turns) == 1
    assert document.token_ids == before
    assert not document.is_running


def test_a_turn_that_fails_in_the_middle_keeps_its_steps():
    document = Document()
    request = document.begin("one", "greedy", SHORT)
    for event in list(ScriptedBackend().generate(request, lambda: False))[:3]:
        document.apply(event)
    document.apply(Finished("failed", (), "", 0.0, detail="out of memory"))

    assert document.turns[0].text == " far,"
    assert document.turns[0].token_ids == (100, 101)
    assert document.token_ids == (10, 100, 101)


def test_a_cancelled_turn_without_steps_has_no_text():
    document = Document()
    document.begin("one", "greedy", SHORT)
    document.apply(Started((10,), (10,), 3, 1024, 0))
    document.apply(Finished("cancelled", (), "", 0.0))

    assert document.turns[0].text == ""
    assert document.token_ids == (10,)


def test_the_cursor_walks_over_turns_and_lets_go_at_the_end():
    document = Document()
    play(document, "one")
    play(document, "two")
    newest = document.turns[1].steps[2]
    assert document.selected() == (document.turns[1], newest)

    document.move_cursor(-3)
    assert document.cursor == 2
    assert document.selected() == (document.turns[0], document.turns[0].steps[2])

    document.move_cursor(-99)
    assert document.selected() == (document.turns[0], document.turns[0].steps[0])

    document.move_cursor(+4)
    assert document.selected() == (document.turns[1], document.turns[1].steps[1])

    document.move_cursor(+1)
    assert document.cursor is None
    assert document.selected() == (document.turns[1], newest)


def test_a_resting_cursor_stays_while_steps_arrive_and_a_new_turn_releases_it():
    document = Document()
    play(document, "one")
    document.move_cursor(-1)
    step = document.selected()
    request = document.begin("two", "greedy", SHORT)
    assert document.cursor is None
    document.move_cursor(-1)
    assert document.selected() == step

    for event in ScriptedBackend().generate(request, lambda: False):
        document.apply(event)
    assert document.selected() == step


def test_the_token_to_come_is_looked_at_until_a_step_is_held():
    document = Document()
    play(document, "one")
    document.hold_cursor()
    assert document.cursor is None, "nothing moves on from the newest step"

    request = document.weigh_next(SHORT)
    for event in ScriptedBackend().generate(request, lambda: False):
        document.apply(event)
    assert document.next_token is not None
    document.hold_cursor()
    assert document.cursor == 2
    document.let_go()
    assert document.cursor is None
    document.move_cursor(-2)
    document.let_go()
    assert document.cursor == 1, "it rests on an earlier step"

    document.look_at(2)
    document.forget_next()
    document.cursor = 2
    document.let_go()
    assert document.cursor == 2, "nothing is known of a token to come"
