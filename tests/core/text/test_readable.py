"""Numbers as people read them: the same everywhere, and nothing that cannot be."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from core.text.readable import bits, decimal, length, number, percent, share_of_rest

shares = st.one_of(
    st.floats(0, 1), st.floats(0, 1e-3), st.floats(0.999, 1), st.sampled_from([0.0, 1.0, 5e-324])
)


@given(shares, st.integers(1, 3))
def test_a_percentage_is_nothing_only_for_what_cannot_be(share, places):
    told = percent(share, places)
    assert re.fullmatch(r"[<>]?\d+(\.\d+)?%", told)
    assert (float(told.strip("%<>")) == 0) == (share == 0)
    assert (told == "100%") == (share >= 1 - 1e-9)
    assert share_of_rest(share, places) == told or share < 1e-9


@given(st.floats(-1e-3, 1e-3) | st.floats(-1e6, 1e6), st.integers(0, 3))
def test_no_number_is_a_negative_nothing(value, places):
    told = decimal(value, places)
    assert not re.fullmatch(r"-0(\.0*)?", told)
    assert abs(float(told.replace(",", "")) - value) <= 0.5 * 10**-places + 1e-9
    assert not bits(value).startswith("-")


def test_counts():
    assert number(0) == "1"
    assert number(1_233) == "1,234"
    assert length(1, 1) == "1 token"
    assert length(12, 15) == "12 tokens in 15 steps"
