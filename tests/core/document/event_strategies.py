"""Hypothesis strategies for steps and ends of runs: any that the records can hold."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

from hypothesis import strategies as st

from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    Finished,
    FinishReason,
    Hypothesis,
    TokenStep,
)


def has_no_split_pair(text):
    """Two halves side by side are one character to JSON."""
    return not any(
        "\ud800" <= a <= "\udbff" and "\udc00" <= b <= "\udfff" for a, b in pairwise(text)
    )


TEXTS = st.text(st.characters(exclude_categories=()), max_size=12).filter(has_no_split_pair)
FLOATS = st.floats(allow_nan=False)
LOGPROBS = st.floats(max_value=700.0, allow_nan=False)
IDS = st.integers(0, 2**40)
ID_LISTS = st.lists(IDS, max_size=6).map(tuple)

CANDIDATES = st.builds(
    Candidate,
    IDS,
    TEXTS,
    LOGPROBS,
    st.none() | LOGPROBS,
    st.integers(1, 10**6),
    st.none() | st.sampled_from(("top_k", "top_p")),
)
DISTRIBUTIONS = st.builds(
    Distribution, st.lists(CANDIDATES, max_size=3).map(tuple), FLOATS, st.integers(0, 10**6)
)
TOKEN_STEPS = st.builds(
    TokenStep,
    st.integers(0, 10**6),
    CANDIDATES,
    DISTRIBUTIONS,
    TEXTS,
    FLOATS,
    st.sampled_from(("settings", "person")),
    st.booleans(),
)
HYPOTHESES = st.builds(
    Hypothesis, ID_LISTS, TEXTS, FLOATS, FLOATS, st.integers(0, 9), CANDIDATES, st.booleans()
)
BEAM_STEPS = st.builds(
    BeamStep,
    st.integers(0, 10**6),
    st.lists(HYPOTHESES, min_size=1, max_size=2).map(tuple),
    st.lists(HYPOTHESES, max_size=2).map(tuple),
    st.lists(st.builds(DroppedHypothesis, HYPOTHESES, TEXTS), max_size=2).map(tuple),
    st.lists(DISTRIBUTIONS, max_size=2).map(tuple),
    FLOATS,
)
STEPS = TOKEN_STEPS | BEAM_STEPS
ENDS = st.builds(
    Finished,
    st.sampled_from(get_args(FinishReason)),
    ID_LISTS,
    TEXTS,
    FLOATS,
    st.none() | FLOATS,
    TEXTS,
    st.just(0),
    st.just(0),
) | st.just(Finished("length", (1,), "a", 2.0, None, "", 4, 3))
