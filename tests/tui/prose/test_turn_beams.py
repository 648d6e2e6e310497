"""A beam search in the document: the leader, step by step, and at the end the winner."""

from __future__ import annotations

import math

import pytest

from core.records.steps import Finished
from core.text.visible import SPECIAL_TOKEN
from tests.tui.written import (
    CAT,
    NEWEST,
    TINT,
    beam_step,
    hypothesis,
    kinds_of,
    prose_of,
    started,
    text_of,
    token_step,
    turn_of,
)
from tui.prose.lines import Piece
from tui.prose.turn import MARK, PLAIN, PROMPT, SPECIAL, View, beam_pieces, tint


class TestDroppedTurns:
    @pytest.mark.parametrize(("count", "told"), [(1, "the oldest turn"), (3, "the 3 oldest turns")])
    @pytest.mark.parametrize("is_beams", [False, True])
    def test_are_told_of_once_before_the_answer(self, count, told, is_beams):
        turn = turn_of("Hello", message="later")
        turn.started = started(dropped_turns=count)
        prose = prose_of(turn)
        assert prose.sync(NEWEST) == 0
        assert prose.sync(NEWEST) is None
        opening = f"── greedy ──\nHello\n── no longer read: {told} ──\n"
        assert text_of(prose) == opening
        assert kinds_of(prose)[-1] == (f"── no longer read: {told} ──\n", MARK, -1)
        turn.steps.append(beam_step(0, hypothesis((5,), " a", " a")) if is_beams else CAT)
        prose.sync(NEWEST)
        assert text_of(prose) == opening + (" a" if is_beams else " cat")

    @pytest.mark.parametrize("is_beams", [False, True])
    def test_what_came_with_the_first_look_stands_behind_it(self, is_beams):
        step = beam_step(0, hypothesis((5,), " a", " a")) if is_beams else CAT
        turn = turn_of("Hello", step, message="later")
        turn.started = started(dropped_turns=2)
        prose = prose_of(turn)
        prose.sync(NEWEST)
        prose.sync(NEWEST)
        assert text_of(prose).endswith(" ──\n" + (" a" if is_beams else " cat"))

    def test_none_are_told_of_where_none_were_or_nothing_has_begun(self):
        turn = turn_of("Hello")
        prose = prose_of(turn)
        prose.sync(NEWEST)
        turn.started = None
        prose.sync(NEWEST)
        assert text_of(prose) == "── greedy ──\nHello"


def searched():
    """Three steps of two beams that change places; what ended first is the winner."""
    first = beam_step(
        0, hypothesis((5,), " a", " a", logprob=-3.0), hypothesis((6,), " the", " the")
    )
    second = beam_step(
        1,
        hypothesis((6, 7), " the cat", " cat", 1, logprob=-6.0),
        hypothesis((5, 8), " a dog", " dog", 0),
        finished=[hypothesis((5, 0), " a", "<|end|>", 0, is_special=True)],
    )
    third = beam_step(
        2,
        hypothesis((5, 8, 9), " a dog ran", " ran", 1),
        hypothesis((6, 7, 9), " the cat ran", " ran", 0),
        finished=[hypothesis((5, 0), " a", "<|end|>", 0, is_special=True)],
    )
    return [first, second, third]


class TestBeams:
    def test_the_leader_is_followed_back_from_parent_to_parent(self):
        steps = searched()
        assert beam_pieces(steps, steps[2].hypotheses[0], 4) == [
            Piece(" a", tint(3.0 / math.log(2)), 4),
            Piece(" dog", TINT, 5),
            Piece(" ran", TINT, 6),
        ]
        assert beam_pieces(steps, steps[2].hypotheses[1], 4) == [
            Piece(" the", TINT, 4),
            Piece(" cat", tint(6.0 / math.log(2)), 5),
            Piece(" ran", TINT, 6),
        ]

    def test_a_parent_that_is_not_there_ends_the_way_back(self):
        first = beam_step(0, hypothesis((5,), " a", " a"))
        for parent in (-1, 1):
            lost = hypothesis((5, 8), " a dog", " dog", parent)
            assert beam_pieces([first, beam_step(1, lost)], lost, 0) == [Piece(" a dog", TINT, 1)]

    def test_what_a_person_put_first_stands_before_it(self):
        put = token_step(0, 4, " Mim", chosen_by="person")
        mark = token_step(1, 0, "", chosen_by="person", is_special=True)
        beam = beam_step(2, hypothesis((4, 0, 5), " Mim a", " a"))
        assert beam_pieces([put, mark, beam], beam.hypotheses[0], 0) == [
            Piece(" Mim", f"chosen {TINT}", 0),
            Piece("", f"chosen {TINT}", 1),
            Piece(SPECIAL_TOKEN, SPECIAL, 1),
            Piece(" a", TINT, 2),
        ]

    def shown(self, turn, view, first_step=0):
        prose = prose_of(turn, first_step=first_step)
        prose.sync(view)
        return text_of(prose).removeprefix("── greedy ──\nOnce")

    @pytest.mark.parametrize(
        ("step", "text"), [(0, " a"), (1, " the cat"), (2, " a dog ran"), (None, " a dog ran")]
    )
    def test_the_text_is_the_leader_s_at_the_step_looked_at(self, step, text):
        assert self.shown(turn_of("Once", *searched()), View(step)) == text

    def test_looking_elsewhere_replaces_it_and_looking_again_changes_nothing(self):
        turn = turn_of("Once", *searched())
        prose = prose_of(turn)
        for step, text in [(2, " a dog ran"), (0, " a"), (1, " the cat")]:
            assert prose.sync(View(step)) == 1
            assert prose.sync(View(step)) is None
            assert text_of(prose) == "── greedy ──\nOnce" + text
        assert prose.sync(NEWEST) == 1
        assert prose.sync(View(2)) is None, "the newest step is that one"

    def test_the_winner_replaces_the_leader_when_the_search_is_over(self):
        turn = turn_of("Once", *searched())
        prose = prose_of(turn, first_step=3)
        prose.sync(NEWEST)
        turn.finished = Finished("end_of_text", (5, 0), " a", 9.0, -1.0)
        assert prose.sync(NEWEST) == 1
        assert prose.sync(NEWEST) is None
        assert kinds_of(prose)[1:] == [
            ("Once", PROMPT, -1),
            (" a", tint(3.0 / math.log(2)), 3),
            (SPECIAL_TOKEN, SPECIAL, 4),
        ]
        prose.sync(View(2))
        assert text_of(prose).endswith("Once a dog ran"), "a step is as it was, also then"

    def test_a_winner_that_lives_is_found_too_and_has_no_mark(self):
        turn = turn_of("Once", *searched())
        turn.finished = Finished("length", (6, 7, 9), " the cat ran", 9.0, -1.0)
        assert self.shown(turn, NEWEST) == " the cat ran"

    def test_a_winner_whose_last_token_is_no_special_one_has_the_mark_behind_it(self):
        turn = turn_of("Once", *searched())
        turn.finished = Finished("end_of_text", (6, 7, 9), " the cat ran", 9.0, -1.0)
        prose = prose_of(turn, first_step=3)
        prose.sync(NEWEST)
        assert kinds_of(prose)[-1] == (SPECIAL_TOKEN, SPECIAL, 5)
        assert text_of(prose).count(SPECIAL_TOKEN) == 1

    def test_a_text_that_no_beam_has_is_plain(self):
        turn = turn_of("Once", *searched())
        turn.finished = Finished("cancelled", (5, 8), " a dog", 9.0)
        prose = prose_of(turn)
        prose.sync(NEWEST)
        assert kinds_of(prose)[-1] == (" a dog", PLAIN, -1)

    def test_a_failure_is_told_behind_the_beams(self):
        turn = turn_of("Once", *searched())
        turn.finished = Finished("failed", (), "", 0.0, detail="out of memory")
        assert self.shown(turn, NEWEST) == " a dog ran\n✗ out of memory"

    def test_a_step_that_a_person_put_first_is_a_text_of_its_own(self):
        put = token_step(0, 4, " Mim", chosen_by="person")
        beams = [
            beam_step(1, hypothesis((4, 5), " Mim a", " a")),
            beam_step(2, hypothesis((4, 5, 6), " Mim a b", " b")),
        ]
        turn = turn_of("Once", put, *beams)
        assert self.shown(turn, View(0)) == " Mim"
        assert self.shown(turn, View(1)) == " Mim a"
        assert self.shown(turn, View(2)) == " Mim a b"

    def test_a_step_of_which_nothing_lives_shows_nothing(self):
        assert self.shown(turn_of("Once", beam_step(0)), NEWEST) == ""
