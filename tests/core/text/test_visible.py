"""Untrusted text: what is spelled out, and how many cells it takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.visible import (
    cell_width,
    keep_end,
    marks_behind,
    one_line,
    pad,
    spelled_parts,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本 \U0001f469", "plain é 日本 \U0001f469"),
        ("\U0001f469\u200d\U0001f33e", "\U0001f469\\u200d\U0001f33e"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x07\x7f\x9b\r", "\\x07\\x7f\\x9b\\r"),
        ("a\n\tb", "a\n\tb"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 5),
        ("e" + "\u0301" * 7 + "a\u0301", "e" + "\u0301" * 5 + "\\u0301" * 2 + "a\u0301"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown


@given(st.text(st.sampled_from("ae\u0301\u0323\u202e\x1b\n\ud800"), max_size=30))
def test_the_parts_of_a_visible_text_are_that_text(text):
    parts = list(spelled_parts(text))
    assert "".join(part for part, _ in parts) == visible(text)
    assert all(part and is_spelled == (part[0] == "\\") for part, is_spelled in parts)


def test_visible_can_spell_newlines_too():
    assert visible("a\n\tb", keep="") == "a\\n\\tb"


def test_one_line():
    assert one_line("a\n b\x1b") == "a b\\x1b"
    assert len(one_line("x" * 1000)) == 400


@pytest.mark.parametrize(
    ("text", "width", "kept"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "…cd"),
        ("日本語", 4, "…語"),
        ("日本語", 6, "日本語"),
        ("", 0, ""),
    ],
)
def test_the_end_of_a_text(text, width, kept):
    assert keep_end(text, width) == kept
    assert cell_width(keep_end(text, width)) <= width


def test_padding_counts_cells():
    assert pad("日", 4) == "日  "
    assert pad("e\u0301", 3) == "e\u0301  "
    assert pad("abcd", 2) == "abcd"


def test_marks_that_come_one_by_one_stand_no_higher():
    shown, marks = "", 0
    for character in "e" + "\u0301" * 9 + "a\u0301":
        shown += visible(character, marks=marks)
        marks = marks_behind(character, marks)
    assert shown == visible("e" + "\u0301" * 9 + "a\u0301")
    assert shown.count("\\u0301") == 4
