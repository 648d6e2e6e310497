"""What stands in the document for one turn: its mark, its prompt, its tokens, its end."""

from __future__ import annotations

import dataclasses
import math

import pytest

from core.document.document import Fork
from core.text.readable import TINT_LIMITS
from core.text.visible import SPECIAL_TOKEN
from tests.tui.written import (
    CAT,
    NEWEST,
    SAT,
    TINT,
    beam_step,
    ended_turn,
    finished,
    hypothesis,
    kinds_of,
    prose_of,
    text_of,
    token_step,
    turn_of,
)
from tui.prose.lines import Piece
from tui.prose.turn import FAILURE, MARK, PLAIN, PROMPT, SPECIAL, token_pieces


class TestOpening:
    @pytest.mark.parametrize(
        ("turn", "alone", "behind_another"),
        [
            (turn_of("Once"), "── greedy ──\nOnce", "\n── greedy ──\nOnce"),
            (
                turn_of(""),
                "── greedy · from the start of text ──\n",
                "\n── greedy · continued ──\n",
            ),
            (
                turn_of("", fork=Fork(2, " dragon", " cat")),
                "── greedy · ·dragon instead of ·cat ──\n",
                "\n── greedy · ·dragon instead of ·cat ──\n",
            ),
            (
                turn_of("", fork=Fork(2, "", "\n")),
                "── greedy · typed instead of ⏎ ──\n",
                "\n── greedy · typed instead of ⏎ ──\n",
            ),
            (
                turn_of("", fork=Fork(2, " cat")),
                "── greedy · forked at ·cat ──\n",
                "\n── greedy · forked at ·cat ──\n",
            ),
            (
                turn_of("Hello", message="first"),
                "── greedy ──\nHello\n",
                "\n── greedy · a new conversation, which reads nothing above ──\nHello\n",
            ),
            (
                turn_of("Hello", message="later"),
                "── greedy ──\nHello\n",
                "\n── greedy ──\nHello\n",
            ),
        ],
    )
    def test_says_how_the_turn_begins(self, turn, alone, behind_another):
        assert text_of(prose_of(turn)) == alone
        assert text_of(prose_of(turn, prose_of(ended_turn(turn_of("Before"))))) == behind_another

    def test_is_a_mark_and_the_prompt_is_one_of_its_own(self):
        before = prose_of(ended_turn(turn_of("Before")))
        assert kinds_of(prose_of(turn_of("Once"), before)) == [
            ("\n── greedy ──\n", MARK, -1),
            ("Once", PROMPT, -1),
        ]

    def test_says_where_another_model_writes_on(self):
        other = dataclasses.replace(turn_of("Once"), model_name="gpt2-xl")
        before = prose_of(ended_turn(turn_of("Before")))
        assert text_of(prose_of(other)) == "── greedy ──\nOnce"
        assert text_of(prose_of(other, before)) == ("\n── greedy · from here on gpt2-xl ──\nOnce")
        other.fork = Fork(1, " cat")
        assert "── greedy · forked at ·cat · from here on gpt2-xl ──" in text_of(
            prose_of(other, before)
        )


class TestFlowingOn:
    """By hand, one text is written by several turns where a person went back in it."""

    def by_hand(self, prompt="", *steps, **more):
        return turn_of(prompt, *steps, is_by_hand=True, **more)

    def before(self, **more):
        return ended_turn(self.by_hand("Once", CAT, **more), "by_hand")

    def written(self, turn):
        prose = prose_of(turn)
        prose.sync(NEWEST)
        return prose

    def test_the_text_goes_on_in_the_last_line(self):
        before = self.written(self.before())
        prose = prose_of(self.by_hand("", SAT), before, first_step=1)
        prose.sync(NEWEST)
        assert prose.flows_on
        assert kinds_of(prose) == [
            ("Once", PROMPT, -1),
            (" cat", TINT, 0),
            (" sat", TINT, 1),
        ]
        assert text_of(before) == "── greedy ──\nOnce cat", "which stays as it was"

    @pytest.mark.parametrize("before_fails", [False, True])
    def test_a_turn_that_was_cut_short_is_gone_on_with_unless_it_failed(self, before_fails):
        before = self.before()
        before.finished = finished("failed" if before_fails else "cancelled", before.steps)
        assert prose_of(self.by_hand(), self.written(before)).flows_on != before_fails

    @pytest.mark.parametrize(
        "change",
        [
            {"prompt": "And"},
            {"is_by_hand": False},
            {"preset_name": "sample"},
            {"model_name": "gpt2-xl"},
        ],
    )
    def test_not_where_something_else_begins(self, change):
        turn = self.by_hand("", SAT)
        assert prose_of(turn, self.written(self.before())).flows_on
        other = dataclasses.replace(turn, **change)
        prose = prose_of(other, self.written(self.before()))
        assert not prose.flows_on
        assert text_of(prose).startswith("\n── ")

    def test_not_behind_what_is_no_text_by_hand(self):
        no_hand = dataclasses.replace(self.before(), is_by_hand=False)
        running = dataclasses.replace(self.before(), finished=None)
        beams = ended_turn(
            self.by_hand("Once", beam_step(0, hypothesis((5,), " a", " a"))), "by_hand"
        )
        for before in (no_hand, running, beams):
            assert not prose_of(self.by_hand(), prose_of(before)).flows_on
        assert not prose_of(self.by_hand()).flows_on

    def test_behind_beams_that_a_token_follows_it_does(self):
        beam = beam_step(0, hypothesis((5,), " a", " a"))
        before = ended_turn(self.by_hand("Once", beam, SAT), "by_hand")
        assert prose_of(self.by_hand(), prose_of(before)).flows_on


class TestTokens:
    def test_each_is_added_once_with_its_place(self):
        turn = turn_of("Once")
        prose = prose_of(turn, first_step=7)
        assert prose.sync(NEWEST) is None
        turn.steps.append(CAT)
        assert prose.sync(NEWEST) == 1, "the line of the prompt has changed"
        assert prose.sync(NEWEST) is None
        turn.steps.append(SAT)
        assert prose.sync(NEWEST) == 1
        assert kinds_of(prose)[1:] == [
            ("Once", PROMPT, -1),
            (" cat", TINT, 7),
            (" sat", TINT, 8),
        ]
        ended_turn(turn)
        prose.sync(NEWEST)
        assert prose.sync(NEWEST) is None
        assert text_of(prose) == "── greedy ──\nOnce cat sat"

    def test_the_end_of_a_text_has_a_mark_once(self):
        turn = ended_turn(turn_of("Once", CAT, SAT), "end_of_text")
        prose = prose_of(turn, first_step=3)
        prose.sync(NEWEST)
        prose.sync(NEWEST)
        assert kinds_of(prose)[-2:] == [(" sat", TINT, 4), (SPECIAL_TOKEN, SPECIAL, 4)]

    def test_nor_twice_where_the_last_token_is_one_itself(self):
        end = token_step(1, 0, "", is_special=True)
        prose = prose_of(ended_turn(turn_of("Once", CAT, end), "end_of_text"))
        prose.sync(NEWEST)
        assert [one for one in kinds_of(prose) if one[1] == SPECIAL] == [
            (SPECIAL_TOKEN, SPECIAL, 1)
        ]

    def test_a_special_token_inside_does_not_stand_for_the_end(self):
        inside = token_step(0, 0, "", is_special=True)
        prose = prose_of(ended_turn(turn_of("Once", inside, SAT), "end_of_text"))
        prose.sync(NEWEST)
        assert [one[2] for one in kinds_of(prose) if one[1] == SPECIAL] == [0, 1]

    @pytest.mark.parametrize("reason", ["length", "stop_string", "context_full", "cancelled"])
    def test_other_ends_have_none(self, reason):
        prose = prose_of(ended_turn(turn_of("Once", CAT), reason))
        prose.sync(NEWEST)
        assert text_of(prose) == "── greedy ──\nOnce cat"

    @pytest.mark.parametrize(
        ("detail", "told"), [("the device is gone", "the device is gone"), ("", "the run failed")]
    )
    def test_a_failure_says_why_behind_what_came(self, detail, told):
        prose = prose_of(ended_turn(turn_of("Once", CAT), "failed", detail=detail))
        prose.sync(NEWEST)
        assert text_of(prose) == f"── greedy ──\nOnce cat\n✗ {told}"
        assert kinds_of(prose)[-1] == (f"\n✗ {told}", FAILURE, -1)

    def test_a_run_without_a_step_can_end_too(self):
        prose = prose_of(ended_turn(turn_of("Once"), "end_of_text"))
        prose.sync(NEWEST)
        assert text_of(prose) == f"── greedy ──\nOnce{SPECIAL_TOKEN}"

    def test_what_never_became_a_character_belongs_to_the_last_step(self):
        half = token_step(1, 12, "")
        turn = ended_turn(turn_of("Once", CAT, half), text=" cat\ufffd")
        prose = prose_of(turn, first_step=4)
        prose.sync(NEWEST)
        assert kinds_of(prose)[-1] == ("\ufffd", PLAIN, 5)

    def test_another_text_than_the_steps_is_not_put_behind_them(self):
        prose = prose_of(ended_turn(turn_of("Once", CAT), text=" dog and more"))
        prose.sync(NEWEST)
        assert text_of(prose) == "── greedy ──\nOnce cat"

    @pytest.mark.parametrize("level", range(len(TINT_LIMITS) + 1))
    def test_what_a_person_chose_is_marked_before_its_tint(self, level):
        bits = (0.0, *TINT_LIMITS)[level]
        step = token_step(0, 10, " cat", -bits * math.log(2) - 1e-9, chosen_by="person")
        assert token_pieces([step], 3) == [Piece(" cat", f"chosen tint-{level}", 3)]

    def test_steps_of_beams_are_no_tokens(self):
        steps = [CAT, beam_step(1, hypothesis((5,), " a", " a")), SAT]
        assert token_pieces(steps, 0) == [Piece(" cat", TINT, 0), Piece(" sat", TINT, 2)]
