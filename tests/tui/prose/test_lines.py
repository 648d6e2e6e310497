"""Wrapping, token labels, and the numbers of the panel, as functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.records.steps import BeamStep, Candidate, Distribution, Hypothesis, TokenStep
from core.text.readable import percent
from tui.common.beam_rows import beam_list
from tui.common.step_rows import bar, candidate_table, final_rest, step_header
from tui.common.visible import fit, fit_tail, visible_prose, visible_token
from tui.prose.lines import Piece, Prose
from tui.prose.turn import tint

TEXTS = st.lists(st.text(st.sampled_from("ab \n一é\t\u0301\u0323"), max_size=12), max_size=12)


def plain(prose):
    return ["".join(piece.text for piece in line) for line in prose.lines]


def test_a_word_of_several_tokens_moves_to_the_next_line_whole():
    prose = Prose(10)
    prose.append([Piece("one two", "token"), Piece(" thr", "token")])
    assert plain(prose) == ["one two ", "thr"] or plain(prose) == ["one two thr"[:8], "thr"]
    prose.append([Piece("ee", "token")])
    assert plain(prose) == ["one two ", "three"]


@given(TEXTS, st.integers(2, 12))
def test_wrapping_piece_by_piece_equals_wrapping_at_once(texts, width):
    """Guards the rewrap of the last line: tokens come one at a time, a resize wraps them all."""
    at_once, one_by_one = Prose(width), Prose(width)
    pieces = [Piece(text, "token", position) for position, text in enumerate(texts)]
    at_once.append(pieces)
    for piece in pieces:
        one_by_one.append([piece])
    assert plain(one_by_one) == plain(at_once)


@given(TEXTS, st.integers(2, 12))
def test_wrapping_loses_nothing_and_stays_within_the_width(texts, width):
    prose = Prose(width)
    prose.append([Piece(text, "token") for text in texts])
    assert "".join(plain(prose)) == visible_prose("".join(texts))
    for line in plain(prose):
        assert cell_len(line.removesuffix("\n").removesuffix(" ")) <= width


def test_a_rewind_forgets_what_was_added():
    prose = Prose(10)
    prose.append([Piece("one two", "prompt")])
    mark = prose.mark()
    prose.append([Piece(" three four five", "token")])
    prose.rewind(mark)
    assert plain(prose) == ["one two"]
    prose.append([Piece(" x", "token")])
    assert plain(prose) == ["one two x"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (" far", "·far"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("\x1b", "\\x1b"),
        ("\x00", "\\x00"),
        ("\ud83d", "\\ud83d"),
        ("\u202e", "\\u202e"),
        ("\u200b", "\\u200b"),
        ("\u00a0", "·"),
        ("", "∅"),
        ("\u0301", "◌\u0301"),
        ("[/b]", "[/b]"),
    ],
)
def test_tokens_show_their_white_space_and_controls(text, label):
    assert visible_token(text) == label


@given(st.text(max_size=30), st.integers(0, 12))
def test_labels_fit_exactly(text, width):
    assert cell_len(fit(visible_token(text), width)) == width or not width
    assert cell_len(fit_tail(visible_token(text), max(1, width))) <= max(1, width)


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "0%"),
        (1e-9, "<0.1%"),
        (0.09, "9.0%"),
        (0.412, "41.2%"),
        (0.9999, ">99.9%"),
        (1, "100%"),
    ],
)
def test_percent(probability, text):
    assert percent(probability) == text


def test_a_bar_is_as_wide_as_told():
    assert all(len(bar(k / 97, 13)) == 13 for k in range(98))
    assert bar(0.5, 4) == "██  "


@pytest.mark.parametrize(
    ("bits", "name"),
    [
        (0, "tint-0"),
        (0.99, "tint-0"),
        (1, "tint-1"),
        (3, "tint-2"),
        (6.9, "tint-3"),
        (20, "tint-4"),
    ],
)
def test_tints_grow_with_surprisal(bits, name):
    assert tint(bits) == name


def candidate(text, probability, rank, final=None, token_id=None, cut=None):
    return Candidate(
        token_id if token_id is not None else rank,
        text,
        math.log(probability),
        math.log(final) if final else None,
        rank,
        cut,
    )


def test_the_chosen_token_has_a_row_where_it_is_not_among_the_five():
    five = tuple(candidate(f"t{rank}", 0.1, rank, 0.1) for rank in range(1, 6))
    odd = candidate(" odd", 0.02, 23, 0.03)
    step = TokenStep(0, odd, Distribution(five, 3.0, 40), " odd", 0.1)
    rows = ["".join(text for text, _ in row) for row in candidate_table(step, 38)]
    assert [row[0] for row in rows if row].count("▸") == 1
    assert "·odd" in rows[6]
    assert "#23" in rows[6]
    assert "the rest" in rows[7]
    assert "48.0%" in rows[7]
    assert "47.0%" in rows[7]
    assert all(cell_len(row) <= 38 for row in rows)


def test_the_same_text_twice_marks_the_chosen_id_alone():
    """Two tokens may look alike: the marker goes by id, never by text."""
    two = (candidate("x", 0.5, 1, 0.6), candidate("x", 0.4, 2, 0.4))
    step = TokenStep(0, two[1], Distribution(two, 1.0, 2), "x", 0.1)
    rows = ["".join(text for text, _ in row) for row in candidate_table(step, 38)]
    assert [row.startswith("▸") for row in rows[1:3]] == [False, True]


def test_nothing_is_left_outside_when_all_kept_candidates_are_shown():
    five = tuple(candidate(f"t{rank}", 0.1, rank, 0.2) for rank in range(1, 6))
    assert final_rest(Distribution(five, 2.0, 5)) == 0.0
    assert final_rest(Distribution(five[:4], 2.0, 9)) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "kept", "width", "expected"),
    [
        ("<|endoftext|>", 2048, 44, "<|endoftext|>  rank 1 · likeliest of 2,048"),
        ("<|endoftext|>", 2048, 40, "<|endoftext|>  rank 1 · of 2,048"),
        ("<|endoftext|>", 50257, 34, "<|endoftext|>  rank 1 · of 50,257"),
        ("<|endoftext|>", 50257, 24, "<|endoftext|>  rank 1"),
        (" extraordinarily", 50257, 20, "·extraordin…  rank 1"),
        ("世界世界世界", 5, 17, "世界世界…  rank 1"),
    ],
)
def test_the_step_panel_cuts_no_number(text, kept, width, expected):
    token = candidate(text, 0.001, 1, 0.001)
    step = TokenStep(0, token, Distribution((token,), 10.25, kept), text, 0.1)
    rows = ["".join(part for part, _ in row) for row in step_header(step, "greedy", width)]
    assert rows[0] == expected
    assert cell_len(rows[0]) <= width
    assert rows[1].removesuffix(" bits") == "surprisal 9.97 · entropy 10.25"
    assert cell_len(rows[1]) <= max(30, width)


@pytest.mark.parametrize(
    ("final", "kept", "expected"), [(0.2, 5, "–"), (0.2, 9, "<0.1%"), (0.199995, 9, "<0.1%")]
)
def test_the_rest_is_a_dash_only_where_nothing_is_left_of_it(final, kept, expected):
    five = tuple(candidate(f"t{rank}", 0.1, rank, final) for rank in range(1, 6))
    step = TokenStep(0, five[0], Distribution(five, 2.0, kept), "t1", 0.1)
    rows = ["".join(text for text, _ in row) for row in candidate_table(step, 38)]
    assert rows[7].endswith(f" {expected}")


def test_the_winner_is_in_the_panel_when_a_search_of_many_beams_is_over():
    token = candidate(" end", 0.5, 1, 0.5)
    beams = tuple(Hypothesis((at,), f"text {at}", -at, -at, 0, token) for at in range(1, 17))
    step = BeamStep(0, beams, beams[:2], (), (), 0.1)

    def rows(*, is_over):
        shown = beam_list(step, None, 40, 12, is_over=is_over)
        assert len(shown) <= 12
        return ["".join(text for text, _ in row) for row in shown]

    assert not any("✓" in row for row in rows(is_over=False))
    assert "✓" in rows(is_over=True)[2]
    assert rows(is_over=True)[-1].endswith("more live")
