"""The published schema of JSON Lines: all that is written follows it, and says nothing beyond."""

from __future__ import annotations

import copy
import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.backends.scripted import ScriptedBackend
from core.decoding.engine import generate
from core.document.export.about import FORMAT_VERSION, about_run
from core.document.export.parsing import event_from_record
from core.document.export.writers import event_record, json_line, make_writer
from core.records.chat import ChatFormat, Message
from core.records.model_info import ModelInfo, ModelOrigin
from core.records.request import Request
from core.records.settings import SETTING_NAMES, Settings
from core.records.steps import EngineChanged, Event, Finished, FinishReason, NextToken, Started
from tests.core.document.event_strategies import DISTRIBUTIONS, ENDS, ID_LISTS, STEPS, TEXTS
from tests.core.document.json_lines_schema import SCHEMA, STRICT, faults

INFO = ModelInfo("gpt2", "cpu", "float32", 1, 1024, 2000, origin="cache", revision="abc")
COUNTS = st.integers(0, 2**63 - 1)
STARTS = st.builds(
    Started, ID_LISTS, ID_LISTS, COUNTS, st.none() | COUNTS, COUNTS, st.integers(0, 9)
)
EVENTS = (
    STARTS | STEPS | ENDS | st.builds(NextToken, DISTRIBUTIONS) | st.builds(EngineChanged, TEXTS)
)
CHAT = ChatFormat("Be kind.\n", "Q: ", "A:")


def lines(events, prompt="Once", run_settings=None):
    about = about_run(INFO, "a preset", run_settings or Settings())
    writer = make_writer("jsonl", prompt, about)
    return [
        json.loads(line)
        for event in events
        for part in writer.write(event)
        for line in part.splitlines()
    ]


def test_it_is_a_schema_of_the_format_that_is_written():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].rpartition(":")[2] == FORMAT_VERSION.partition(".")[0]


@settings(max_examples=150)
@given(EVENTS)
def test_every_line_that_can_be_written_follows_it(event):
    assert faults(json.loads(json_line(event_record(event)))) == []


RUNS = {
    "greedy": Settings(max_new_tokens=4),
    "sampling": Settings(max_new_tokens=4, do_sample=True, top_p=0.9, top_k=0, min_p=0.01, seed=1),
    "beams": Settings(max_new_tokens=4, num_beams=3, early_stopping="never", stop_strings=(".",)),
    "beam sampling": Settings(max_new_tokens=4, num_beams=2, do_sample=True, seed=1),
}


@pytest.mark.parametrize("name", RUNS)
def test_real_runs_follow_it(demo, name):
    request = Request("Once upon a time", RUNS[name])
    found = lines(generate(demo.model, demo.codec, request, lambda: False), "Größe", RUNS[name])

    assert [fault for one in found for fault in faults(one)] == []
    assert {one["type"] for one in found} == {
        *("started", "finished", "beam_step" if RUNS[name].num_beams > 1 else "step")
    }
    assert set(found[0]) == set(SCHEMA["$defs"]["started"]["properties"]) - {
        *("dropped_turns", "drawn", "counted")  # of what another run began
    }


def test_runs_of_a_conversation_by_hand_and_put_by_a_person_follow_it(demo):
    four = Settings(max_new_tokens=4)
    beams = Settings(max_new_tokens=4, num_beams=2)
    for request in (
        Request("", four, messages=(Message("user", "What is it?"),), chat=CHAT),
        Request("Once", four, most_drawn=2),
        Request("Once", four, forced=" upon a"),
        Request("Once", beams, forced=" upon a"),
        Request("", four, skip_special_tokens=False),
    ):
        found = lines(generate(demo.model, demo.codec, request, lambda: False))
        assert [fault for one in found for fault in faults(one)] == []


def test_runs_that_broke_off_follow_it():
    events: list[Event] = list(
        ScriptedBackend().generate(Request("Once", Settings()), lambda: False)
    )
    for reason in get_args(FinishReason):
        found = lines(
            [*events[:-1], EngineChanged("torch"), Finished(reason, (), "", 0.0, None, "x")]
        )
        assert [fault for one in found for fault in faults(one)] == []


def test_it_knows_every_value_that_can_stand():
    kinds = SCHEMA["$defs"]
    started = kinds["started"]["properties"]
    assert kinds["finished"]["properties"]["reason"]["enum"] == list(get_args(FinishReason))
    assert started["origin"]["enum"] == [*get_args(ModelOrigin), None]
    assert started["settings"]["required"] == list(started["settings"]["properties"])
    assert set(started["settings"]["properties"]) == set(SETTING_NAMES)
    assert [one["$ref"].rpartition("/")[2] for one in SCHEMA["oneOf"]] == list(kinds)[:9]


@settings(max_examples=100)
@given(EVENTS, st.data())
def test_a_line_without_a_field_that_it_asks_for_is_refused(event, data):
    record = json.loads(json_line(event_record(event)))
    required = STRICT["$defs"][record["type"]]["required"]
    del record[data.draw(st.sampled_from(required))]

    assert faults(record)


@settings(max_examples=100)
@given(STEPS | ENDS, st.data())
def test_what_it_allows_can_be_read(event, data):
    """A line with any one field changed is refused by the schema, or read by the program."""
    record = json.loads(json_line(event_record(event)))
    changed = copy.deepcopy(record)
    name = data.draw(st.sampled_from(sorted(changed)))
    changed[name] = data.draw(st.sampled_from([None, True, -1, 1.5, "x", [], {}, [None], ["a"]]))
    if not list(Draft202012Validator(SCHEMA).iter_errors(changed)):
        event_from_record(changed)
