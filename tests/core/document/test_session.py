"""The session: turns, what continues them, the cursor, and turns that fail."""

from __future__ import annotations

import pytest

from core.backends.base import Request
from core.backends.scripted import ScriptedBackend
from core.document.session import Session
from core.presets.settings import Settings
from core.records.steps import Finished, Started

SHORT = Settings(max_new_tokens=3)


def play(session: Session, prompt: str, settings: Settings = SHORT, **script) -> Request:
    request = session.begin(prompt, "greedy", settings)
    for event in ScriptedBackend(**script).generate(request, lambda: False):
        session.apply(event)
    return request


def test_a_new_session_is_empty():
    session = Session()

    assert session.token_ids == ()
    assert session.selected() is None
    assert not session.is_running
    session.move_cursor(-1)
    assert session.cursor is None


def test_a_turn_holds_what_was_generated():
    session = Session()
    request = play(session, "one two")
    turn = session.turns[0]

    assert request == Request("one two", SHORT, ())
    assert turn.text == " far, away"
    assert turn.token_ids == (100, 101, 102)
    assert session.token_ids == (10, 11, 100, 101, 102)
    assert session.step_count() == 3


def test_a_turn_in_progress_is_readable_at_every_step():
    session = Session()
    request = session.begin("one", "greedy", SHORT)
    events = ScriptedBackend().generate(request, lambda: False)
    seen = []
    for event in events:
        session.apply(event)
        seen.append((session.turns[0].text, session.turns[0].token_ids, session.is_running))

    assert seen == [
        ("", (), True),
        (" far", (100,), True),
        (" far,", (100, 101), True),
        (" far, away", (100, 101, 102), True),
        (" far, away", (100, 101, 102), False),
    ]


def test_a_running_beam_search_shows_its_best_beam():
    session = Session()
    request = session.begin("one", "beam", Settings(num_beams=3, max_new_tokens=3))
    for event in list(ScriptedBackend().generate(request, lambda: False))[:3]:
        session.apply(event)

    assert session.turns[0].text == " far,"
    assert session.turns[0].token_ids == (100, 101)
    assert session.is_running


def test_what_is_typed_next_goes_on_from_the_text_to_the_letter():
    session = Session()
    play(session, "one two")
    request = play(session, " three")

    assert request.prompt == " three"
    assert session.text == "one two far, away three far, away"
    assert request.context_token_ids == (10, 11, 100, 101, 102)
    assert session.token_ids[:5] == request.context_token_ids


def test_nothing_is_put_before_a_prompt_after_an_end_of_text_either():
    session = Session()
    play(session, "one", Settings(max_new_tokens=50))
    assert session.turns[0].finished.reason == "end_of_text"

    assert play(session, "two").prompt == "two"


@pytest.mark.parametrize("length", [1, 4, 12, 13, 30, 100])
def test_the_end_of_the_text_is_the_text_s_own(length):
    session = Session()
    play(session, "one")
    play(session, "")
    play(session, " two")

    assert session.end(length) == session.text[-length:]


def test_continuing_without_a_prompt_adds_nothing():
    session = Session()
    play(session, "one")

    assert play(session, "").prompt == ""


def test_a_second_turn_cannot_begin_while_one_runs():
    session = Session()
    session.begin("one", "greedy", SHORT)

    with pytest.raises(RuntimeError, match="still running"):
        session.begin("two", "greedy", SHORT)


def test_a_turn_that_fails_before_it_starts_is_removed():
    session = Session()
    play(session, "one")
    before = session.token_ids
    session.begin("far too long", "greedy", SHORT)
    session.apply(Finished("failed", (), "", 0.0, detail="too long"))

    assert len(session.turns) == 1
    assert session.token_ids == before
    assert not session.is_running


def test_a_turn_that_fails_in_the_middle_keeps_its_steps():
    session = Session()
    request = session.begin("one", "greedy", SHORT)
    for event in list(ScriptedBackend().generate(request, lambda: False))[:3]:
        session.apply(event)
    session.apply(Finished("failed", (), "", 0.0, detail="out of memory"))

    assert session.turns[0].text == " far,"
    assert session.turns[0].token_ids == (100, 101)
    assert session.token_ids == (10, 100, 101)


def test_a_cancelled_turn_without_steps_has_no_text():
    session = Session()
    session.begin("one", "greedy", SHORT)
    session.apply(Started((10,), (10,), 3, 1024, 0))
    session.apply(Finished("cancelled", (), "", 0.0))

    assert session.turns[0].text == ""
    assert session.token_ids == (10,)


def test_the_cursor_walks_over_turns_and_lets_go_at_the_end():
    session = Session()
    play(session, "one")
    play(session, "two")
    newest = session.turns[1].steps[2]
    assert session.selected() == (session.turns[1], newest)

    session.move_cursor(-3)
    assert session.cursor == 2
    assert session.selected() == (session.turns[0], session.turns[0].steps[2])

    session.move_cursor(-99)
    assert session.selected() == (session.turns[0], session.turns[0].steps[0])

    session.move_cursor(+4)
    assert session.selected() == (session.turns[1], session.turns[1].steps[1])

    session.move_cursor(+1)
    assert session.cursor is None
    assert session.selected() == (session.turns[1], newest)


def test_a_resting_cursor_stays_while_steps_arrive_and_a_new_turn_releases_it():
    session = Session()
    play(session, "one")
    session.move_cursor(-1)
    step = session.selected()
    request = session.begin("two", "greedy", SHORT)
    assert session.cursor is None
    session.move_cursor(-1)
    assert session.selected() == step

    for event in ScriptedBackend().generate(request, lambda: False):
        session.apply(event)
    assert session.selected() == step
