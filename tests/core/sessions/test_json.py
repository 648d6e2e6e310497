"""Entries and lines: there and back to the letter, harmless to whoever reads the file."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.tree_records import Beginning
from core.document.turn import Fork
from core.records.chat import ChatFormat, Message
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from core.sessions.entries import (
    ColumnsKept,
    Cut,
    ModelReady,
    Moved,
    MoveKind,
    OfColumn,
    PresetChosen,
    ProgramStarted,
    PromptSent,
    PromptWaits,
    RunBegun,
    RunGoesOn,
    RunNamed,
    RunRemoved,
    SessionNamed,
    StepLookedAt,
)
from core.sessions.from_json import LONGEST_LINE, entry_of, object_of
from core.sessions.to_json import entry_record, line_of
from tests.core.document.event_strategies import ENDS, ID_LISTS, IDS, STEPS, TEXTS
from tests.core.sessions.recorded import INFO, OTHER, Recorded

SETTINGS = st.builds(
    Settings,
    do_sample=st.just(True),
    temperature=st.floats(1e-300, 1e300),
    top_p=st.floats(0, 1),
    min_p=st.none() | st.floats(0, 1),
    seed=st.none() | st.integers(0, 2**63 - 1),
    stop_strings=st.lists(TEXTS.filter(bool), max_size=2).map(tuple),
    num_beams=st.integers(1, 4),
)
MODELS = st.sampled_from([INFO, OTHER]) | st.builds(
    ModelInfo, TEXTS, TEXTS, TEXTS, IDS, st.none() | IDS, IDS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS
)
BEGINNINGS = st.builds(
    Beginning,
    IDS,
    IDS,
    ID_LISTS,
    TEXTS,
    st.sampled_from(["", "first", "later"]),
    st.none() | IDS,
)
CHATS = st.builds(ChatFormat, TEXTS, TEXTS, TEXTS, st.just(("\nQ:", "\udc80")))
RUNS = st.builds(
    RunBegun,
    IDS,
    BEGINNINGS,
    st.none() | st.builds(Cut, IDS, ID_LISTS, TEXTS),
    TEXTS,
    TEXTS,
    SETTINGS,
    TEXTS,
    TEXTS,
    st.none() | MODELS,
    st.none() | CHATS,
    st.none() | st.builds(Fork, IDS, TEXTS, TEXTS, TEXTS),
    st.booleans(),
    ID_LISTS,
    IDS,
    st.none() | IDS,
    IDS,
    IDS,
    st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), TEXTS), max_size=2).map(
        tuple
    ),
    IDS,
    IDS,
)
MOVES = st.builds(Moved, st.sampled_from(get_args(MoveKind))) | st.builds(Moved, st.just("go"), IDS)
ENTRIES = st.one_of(
    st.builds(ProgramStarted, TEXTS, TEXTS, TEXTS),
    RUNS,
    st.builds(RunGoesOn, IDS),
    st.builds(OfColumn, IDS, RUNS | STEPS | ENDS),
    st.builds(ColumnsKept),
    STEPS,
    ENDS,
    MOVES,
    st.builds(StepLookedAt, st.none() | IDS),
    st.builds(RunNamed, IDS, TEXTS),
    st.builds(RunRemoved, IDS),
    st.builds(PromptSent, TEXTS),
    st.builds(PromptWaits, TEXTS),
    st.builds(
        PresetChosen,
        TEXTS,
        SETTINGS,
        st.booleans(),
        st.none() | CHATS,
        st.none() | st.integers(0, 2**63 - 1),
    ),
    st.builds(ModelReady, MODELS),
    st.builds(SessionNamed, TEXTS),
)


@settings(max_examples=80, deadline=None)
@given(ENTRIES)
def test_an_entry_comes_back_as_it_was(entry):
    line = line_of(entry_record(entry))
    assert entry_of(object_of(line)) == entry
    assert line.endswith(b"\n")
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    json.loads(line, parse_constant=pytest.fail)


def test_all_that_is_known_of_a_model_comes_back():
    entry = ModelReady(INFO)
    assert entry_of(object_of(line_of(entry_record(entry)))) == entry
    empty = [one.name for one in dataclasses.fields(INFO) if not getattr(INFO, one.name)]
    assert empty == [], "give the example a value, so that each field is tried"


def test_of_a_model_in_a_file_of_format_1_0_the_weights_are_not_known():
    record = object_of(line_of(entry_record(ModelReady(INFO))))
    del record["weights_fingerprint"]
    known = dataclasses.replace(INFO, weights_fingerprint="")
    assert entry_of(record) == ModelReady(known)


@settings(max_examples=80, deadline=None)
@given(ENTRIES, st.randoms(use_true_random=False), st.sampled_from([True, -1, "x", [], None, {}]))
def test_a_wrong_field_is_told(entry, random, wrong):
    record = entry_record(entry)
    record[random.choice(list(record))] = wrong
    try:
        read = entry_of(record)
    except ValueError:
        return
    if read is not None:
        line_of(entry_record(read))


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b'{"a":' * 100_000, b"\xff", b'{"type":"step"}', b"1" * 5000],
)
def test_what_is_no_entry_is_told(line):
    with pytest.raises(ValueError, match=r"\w"):
        entry_of(object_of(line))


def test_a_line_has_a_size():
    with pytest.raises(ValueError, match="too long"):
        object_of(b" " * (LONGEST_LINE + 1))


def test_what_a_later_minor_version_adds_is_left_alone():
    assert entry_of({"type": "a later one"}) is None
    assert entry_of({"type": ["run"]}) is None
    record = {**entry_record(PromptSent("a")), "new": 1}
    assert entry_of(record) == PromptSent("a")


def test_a_line_of_a_step_is_short():
    work = Recorded()
    work.send("Once")
    steps = [one for one in work.bytes().split(b"\n") if one.startswith(b'{"type":"step"')]
    assert max(map(len, steps)) < 1100
