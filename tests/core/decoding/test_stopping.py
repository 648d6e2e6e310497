"""What ends a text; stop strings may begin in the prompt and end in half a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decoding.stopping import StopRule
from core.text.codec import REPLACEMENT_CHARACTER


@pytest.fixture(scope="module")
def codec(demo):
    return demo.codec


def rule(codec, context, *stops, limit=99, eos=()):
    return StopRule(codec, tuple(context), tuple(eos), stops, limit, "length")


def byte_tokens(codec, text):
    """The tokens of ``text``, a byte each."""
    ids = {codec.token_text(number): number for number in range(300)}
    spelled = [chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in text.encode()]
    return [ids[one] for one in spelled]


def test_a_stop_string_may_begin_in_the_prompt(codec):
    context = codec.encode("the en", is_beginning=True)
    written = byte_tokens(codec, "d")
    assert rule(codec, context, "end").reason(written) == "stop_string"
    assert rule(codec, context, "the end").reason(written) == "stop_string"
    assert rule(codec, context, "and").reason(written) is None


def test_a_stop_string_that_stood_in_the_prompt_ends_nothing(codec):
    context = codec.encode("the end", is_beginning=True)
    assert rule(codec, context, "end").reason(byte_tokens(codec, "s")) is None


def test_a_stop_string_that_ended_before_the_last_token_ends_nothing(codec):
    written = byte_tokens(codec, "end")
    found = [rule(codec, (), "en").reason(written[:count]) for count in (1, 2, 3)]
    assert found == [None, "stop_string", None]


@pytest.mark.parametrize("stop", ["é", "né", "日", "x日", "👍"])
def test_a_stop_string_ends_with_the_last_byte_of_its_last_character(codec, stop):
    written = byte_tokens(codec, stop)
    found = [rule(codec, (), stop).reason(written[: count + 1]) for count in range(len(written))]
    assert found == [None] * (len(written) - 1) + ["stop_string"]


def test_half_a_character_behind_a_stop_string_does_not_end_the_text_again(codec):
    written = byte_tokens(codec, "endé")
    found = [rule(codec, (), "end").reason(written[: count + 1]) for count in range(len(written))]
    assert found == [None, None, "stop_string", None, None]


def test_the_window_holds_a_stop_string_of_many_bytes(codec):
    stop = "日本語" * 30
    written = byte_tokens(codec, "x" + stop)
    assert rule(codec, (), stop).reason(written) == "stop_string"
    assert rule(codec, written[:-1], stop).reason(written[-1:]) == "stop_string"


def test_the_end_of_text_comes_before_a_stop_string_and_both_before_the_length(codec):
    written = byte_tokens(codec, "end")
    assert rule(codec, (), "end", eos=written[-1:]).reason(written) == "end_of_text"
    assert rule(codec, (), "end", limit=3).reason(written) == "stop_string"
    assert rule(codec, (), "no", limit=3).reason(written) == "length"
    assert rule(codec, (), "no", limit=4).reason(written) is None


LETTERS = st.text("aé日 ", max_size=6)
WRITTEN = st.text("aé日 ", min_size=1, max_size=6)


@given(LETTERS, WRITTEN, st.lists(st.text("aé日 ", min_size=1, max_size=3), min_size=1, max_size=3))
def test_a_stop_string_is_one_that_ends_within_the_last_token(demo, prompt, written, stops):
    codec = demo.codec
    context, tokens = byte_tokens(codec, prompt), byte_tokens(codec, written)
    for count in range(1, len(tokens) + 1):
        every = [*context, *tokens[:count]]
        text = codec.decode(every).rstrip(REPLACEMENT_CHARACTER)
        before = codec.decode(every[:-1]).rstrip(REPLACEMENT_CHARACTER)
        ends = any(
            text.endswith(stop, 0, end)
            for stop in stops
            for end in range(len(before) + 1, len(text) + 1)
        )
        found = rule(codec, context, *stops).reason(tokens[:count])
        assert (found == "stop_string") == ends
