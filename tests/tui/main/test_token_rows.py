"""Tokens in boxes: aligned, within the width, harmless, and the one at the cursor set off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.records.prompt_tokens import PromptToken
from core.text.readable import token_count
from tui.main.prompt.token_rows import MOST_SHOWN, token_at, token_rows

HOSTILE = ("[/b]", "\x1b[2J", "\x9b2J", "\u202egnp", "\ud83d", "\u0301", "", " ", "漢字", "a" * 500)


def tokens_of(*texts):
    tokens, start = [], 0
    for index, text in enumerate(texts):
        tokens.append(PromptToken(100 * index, text, start, start + len(text)))
        start += len(text)
    return tokens


def plain(row):
    return "".join(text for text, _ in row)


def test_a_token_stands_over_its_id():
    texts, ids = token_rows(tokens_of("A", " long", " time", ",\n"), 80, 0).rows
    assert plain(texts) == " A  ·long  ·time  ,⏎  "
    assert plain(ids) == " 0  100    200    300 "


def test_neighbours_differ_in_tint_and_the_one_at_the_cursor_by_its_underline():
    texts, _ = token_rows(tokens_of("a", "b", "c"), 80, 1).rows
    styles = [style.split(" on ") for _, style in texts]
    assert styles[0][1] != styles[1][1] != styles[2][1]
    assert ["underline" in style[0] for style in styles] == [False, True, False]


def test_a_new_line_of_the_text_begins_a_new_row():
    rows = token_rows(tokens_of("a", "\n", "b"), 80, 2)
    assert [plain(row).split() for row in rows.rows] == [["a", "⏎"], ["0", "100"], ["b"], ["200"]]
    assert rows.cursor_row == 2


@given(st.lists(st.text(max_size=12) | st.sampled_from(HOSTILE), max_size=40), st.integers(8, 60))
def test_every_row_fits_and_is_harmless(texts, width):
    rows = token_rows(tokens_of(*texts), width, len(texts) // 2).rows
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        assert cell_len(plain(upper)) == cell_len(plain(lower)) <= width
        assert [cell_len(text) for text, _ in upper] == [cell_len(text) for text, _ in lower]
        assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for one in plain(upper))
        assert "\u202e" not in plain(upper)
        plain(upper).encode()
    assert sum(len(row) for row in rows[::2]) == len(texts)


@pytest.mark.parametrize("at", [0, 1_500, 2_999])
def test_of_a_long_text_the_part_around_the_cursor_is_shown(at):
    rows = token_rows(tokens_of(*["ab"] * 3_000), 60, at).rows
    text = "\n".join(plain(row) for row in rows)
    boxes = sum(len(row) for row in rows if len(row) > 1) // 2
    assert boxes == MOST_SHOWN
    assert f" {at * 100} " in text
    assert ("tokens before" in text) == (at > 0)
    assert ("tokens after" in text) == (at < 2_999)


def test_the_token_at_the_cursor_holds_the_character_before_it():
    tokens = [PromptToken(1, "<s>", 0, 0), *tokens_of("ab", "c")]
    assert [token_at(tokens, position) for position in range(5)] == [1, 1, 1, 2, 2]
    assert token_at([], 3) == 0


def test_a_count_in_words():
    assert [token_count(count) for count in (0, 1, 2, 22_808)] == [
        "0 tokens",
        "1 token",
        "2 tokens",
        "22,808 tokens",
    ]
