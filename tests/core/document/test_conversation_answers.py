"""What the turns of a document make of a conversation, turn by turn and to the letter."""

from __future__ import annotations

import pytest

from core.document.conversation import begun_answer, messages, open_answer
from core.document.turn import Turn
from core.records.chat import ChatFormat, Message
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Distribution, Finished, Hypothesis, TokenStep

CHAT = ChatFormat("", "Q: ", "A:", ("\nQ:",))
OTHER = ChatFormat("", "Me: ", "You:", ("\nMe:",))


def turn(prompt, text, reason="length", *, message="", chat=CHAT, stops=(), steps=(), ids=()):
    made = Turn(prompt, "p", Settings(stop_strings=stops), chat=chat, message=message)
    made.steps = list(steps)
    made.finished = Finished(reason, tuple(ids), text, 9.0)
    return made


def step(text, *, is_special=False):
    token = Candidate(9, text, -1.0, -1.0, 1)
    return TokenStep(0, token, Distribution((token,), 1.0, 1), text, 0.1, is_special=is_special)


def said(*turns):
    return [(one.role, one.content) for one in messages(turns)]


HELLO = turn("Hello", " Hi", message="first")


def test_without_a_conversation_there_are_no_messages_and_no_answer():
    for turns in ((), (turn("Once", " upon", chat=None),), (HELLO, turn("x", " y", chat=None))):
        assert messages(turns) == ()
        assert begun_answer(turns) == ""
        assert open_answer(turns) is None


def test_messages_and_answers_come_by_turns_oldest_first():
    turns = (
        turn("Once", " upon", chat=None),
        HELLO,
        turn("How?", " So", message="later"),
        turn("", " and so."),
        turn("Bye", " Bye ", message="later"),
    )
    assert messages(turns) == (
        Message("user", "Hello"),
        Message("assistant", "Hi"),
        Message("user", "How?"),
        Message("assistant", "So and so."),
        Message("user", "Bye"),
        Message("assistant", "Bye"),
    )
    assert begun_answer(turns) == " Bye ", "to the letter"
    assert begun_answer(turns[:4]) == " So and so."
    assert begun_answer(turns[:2]) == " Hi"


def test_what_no_message_stands_before_is_no_answer():
    assert messages((turn("", " and so."),)) == ()
    assert begun_answer((turn("", " and so."),)) == ""
    assert said(turn("", " so."), HELLO) == [("user", "Hello"), ("assistant", "Hi")]


@pytest.mark.parametrize("reason", ["length", "by_hand", "cancelled", "failed"])
def test_an_answer_of_another_end_is_open(reason):
    assert open_answer((HELLO, turn("", " x", reason, chat=OTHER))) is OTHER


def test_one_that_is_being_written_is_not():
    running = turn("", " x")
    running.finished = None
    assert open_answer((HELLO, running)) is None


def test_stop_strings_of_any_turn_end_the_answer():
    first = turn("Hello", " one two", message="first", stops=("four",))
    assert said(first, turn("", " three four five"))[1][1] == "one two three"
    assert said(first, turn("", " three\nMe: five", chat=OTHER))[1][1] == "one two three"
    assert said(first, turn("", " three\nQ: five"))[1][1] == "one two three"
    assert said(first, turn("", " three", stops=("two", "one")))[1][1] == ""


class TestTheTokenThatEndsAText:
    @pytest.mark.parametrize(
        ("reason", "is_special", "answer"),
        [
            ("end_of_text", False, " two"),
            ("end_of_text", True, " two."),
            ("length", False, " two."),
            ("stop_string", False, " two."),
        ],
    )
    def test_is_taken_away_where_it_has_text_and_ends_it(self, reason, is_special, answer):
        last = step(".", is_special=is_special)
        one = turn("Hello", " two.", reason, message="first", steps=[step(" two"), last])
        assert begun_answer((one,)) == answer

    def test_a_turn_without_steps_has_none(self):
        one = turn("Hello", " two.", "end_of_text", message="first")
        assert begun_answer((one,)) == " two."

    def test_one_that_still_runs_has_none(self):
        one = turn("Hello", "", message="first", steps=[step(" two"), step(".")])
        one.finished = None
        assert begun_answer((one,)) == " two."

    @pytest.mark.parametrize("place", ["finished", "live"])
    @pytest.mark.parametrize(("is_special", "answer"), [(False, " two"), (True, " two.")])
    def test_of_beams_it_is_the_winner_s(self, place, is_special, answer):
        def beam(ids, text):
            token = Candidate(ids[-1], text, -1.0, -1.0, 1)
            return Hypothesis(ids, f" two{text}", -1.0, -1.0, 0, token, is_special)

        won, lost = beam((5, 9), "."), beam((5, 8), "wo")
        live, ended = ((lost,), (won,)) if place == "finished" else ((lost, won), (lost,))
        last = BeamStep(0, live, ended, (), (), 0.1)
        one = turn(
            "Hello", " two.", "end_of_text", message="first", steps=[last], ids=won.token_ids
        )
        assert begun_answer((one,)) == answer

    def test_of_beams_none_of_which_won_nothing_is_taken(self):
        token = Candidate(9, ".", -1.0, -1.0, 1)
        lost = Hypothesis((5, 9), " two.", -1.0, -1.0, 0, token)
        last = BeamStep(0, (lost,), (lost,), (), (), 0.1)
        one = turn("Hello", " two.", "end_of_text", message="first", steps=[last], ids=(7,))
        assert begun_answer((one,)) == " two."
