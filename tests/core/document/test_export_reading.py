"""An exported run read again: the same records, and a sentence for all that is none."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backends.base import Request
from core.backends.local import LocalBackend
from core.document.export.about import about_run
from core.document.export.parsing import event_from_record
from core.document.export.reading import check_tokens, exported_run, token_texts
from core.document.export.writers import JsonlWriter, event_record
from core.records.chat import ChatFormat, Message
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    EngineChanged,
    Finished,
    Hypothesis,
    NextToken,
    Started,
    TokenStep,
)

CUT = Candidate(6, ",", math.log(0.25), None, 2, "top_k")
STEP = TokenStep(
    0, Candidate(5, "\\xe4", -0.5, -0.25, 1), Distribution((CUT,), 1.5, 1), "", 0.0, "person", True
)

NEVER = Hypothesis((5,), "a", -math.inf, -math.inf, 0, CUT)


def without_times(event):
    return dataclasses.replace(event, elapsed=0.0) if hasattr(event, "elapsed") else event


@pytest.fixture(scope="module")
def backend():
    backend = LocalBackend("demo", "cpu")
    backend.load(lambda stage, share=None: None)
    return backend


def export(events, **about):
    writer = JsonlWriter({"format": "gpt2-playground", "format_version": "1.1", **about})
    return "".join(part for event in events for part in writer.write(event))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(max_new_tokens=12),
        Settings(max_new_tokens=12, do_sample=True, top_p=0.9, repetition_penalty=1.2, seed=3),
        Settings(max_new_tokens=12, num_beams=4, no_repeat_ngram_size=2),
    ],
    ids=["greedy", "sampling", "beams"],
)
def test_a_run_that_was_written_is_read_to_the_letter(backend, settings):
    events = list(backend.generate(Request("Größe 日本", settings), lambda: False))
    exported = exported_run(export(events, model="demo"), "a file")

    read = [exported.started, *exported.steps, exported.finished]
    assert read == [without_times(event) for event in events]
    assert exported.model_name == "demo"
    assert set(token_texts(exported.steps)) >= (
        set() if settings.num_beams > 1 else set(exported.finished.token_ids)
    )


@pytest.mark.parametrize(
    "event",
    [
        Started((1, 2), (2,), 3, None, 7, dropped_turns=2, drawn=9, counted=1),
        STEP,
        NextToken(STEP.distribution),
        EngineChanged("torch"),
        Finished("stop_string", (5,), "a", 9.5, -0.5, "why", 4, 3),
        Finished("length", (5,), "a", 9.5, -math.inf),
        BeamStep(0, (NEVER,), (), (DroppedHypothesis(NEVER, "why"),), (STEP.distribution,), 0.0),
    ],
)
def test_every_field_comes_back(event):
    assert event_from_record(json.loads(json.dumps(event_record(event)))) == event


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.data())
def test_a_field_of_another_kind_is_read_or_told(data):
    record = event_record(data.draw(st.sampled_from([STEP, Finished("length", (5,), "a", 9.5)])))
    part = record
    if "token" in record and data.draw(st.booleans()):
        part = record["token"]
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(VALUES)
    with contextlib.suppress(ValueError):
        json.dumps(event_record(event_from_record(record)), allow_nan=False)


WHOLE = [Started((1,), (1,), 3, None, 7), STEP, Finished("length", (5,), "a", 9.5)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (export(WHOLE[:2]), "its end is missing"),
        (export([*WHOLE, STEP]), "line 4 stands behind its end"),
        (export(WHOLE).replace('"rank": 1', '"rank": "1"'), "in line 2 'rank' is of another kind"),
        (export(WHOLE).replace('"kept": 1', '"keep": 1'), "in line 2 'kept' is missing"),
        (
            export(WHOLE).replace('{"type": "step"', '{"type": "leap"'),
            "in line 2 'type' is none that is known",
        ),
        (export(WHOLE).replace('{"type": "step"', '"type": "step"'), "line 2"),
        (export(WHOLE).replace("-0.5", "NaN"), "'logprob' is of another kind"),
        (export(WHOLE).replace("9.5", "1" * 400), "'tokens_per_second' is of another kind"),
    ],
)
def test_a_damaged_file_is_told(text, fault):
    with pytest.raises(
        PlaygroundError, match=r"^'run\.jsonl' begins .* no whole one in it"
    ) as caught:
        exported_run(text, "'run.jsonl'")
    assert fault in str(caught.value)


CHAT = ChatFormat("Be kind.\n", "Q: ", "A:", ("\nQ:", "\n\n"))


@pytest.mark.parametrize("chat", [None, CHAT])
@pytest.mark.parametrize("is_by_hand", [False, True])
def test_the_conversation_and_the_hand_come_back(chat, is_by_hand):
    said = (Message("user", "Hello"), Message("assistant", "Ah")) if chat else ()
    about = about_run(None, "x", Settings(), chat, said, is_by_hand=is_by_hand)
    run = exported_run(export(WHOLE, **about), "a file")

    assert (run.chat, run.messages, run.is_by_hand) == (chat, said, is_by_hand)
    assert exported_run(export(WHOLE, **run.about), "a file") == run


def test_a_run_by_hand_of_a_file_that_does_not_tell_shows_by_its_end_or_its_length():
    grown = [dataclasses.replace(STEP, index=index) for index in range(4)]
    for steps, end, is_by_hand in (
        ([STEP], "length", False),
        ([STEP], "by_hand", True),
        (grown, "end_of_text", True),
    ):
        text = export([WHOLE[0], *steps, Finished(end, (5,), "a", 9.5)])
        assert exported_run(text, "a file").is_by_hand is is_by_hand


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ({"chat": {"opening": "", "user": "", "assistant": ""}}, "'stop_strings'"),
        ({"chat": "Q:"}, "what should be an object is none"),
        ({"is_by_hand": 1}, "'is_by_hand'"),
        ({"chat": dataclasses.asdict(CHAT), "messages": "Hello"}, "'messages'"),
        ({"chat": dataclasses.asdict(CHAT), "messages": [{"role": "x"}]}, "'role'"),
    ],
)
def test_a_conversation_of_another_kind_is_told(about, fault):
    with pytest.raises(PlaygroundError, match=f"in line 1 {fault}"):
        exported_run(export(WHOLE, **about), "a file")


def test_of_a_file_that_does_not_tell_its_settings_they_are_not_known():
    run = exported_run(export(WHOLE), "a file")
    assert (run.settings, run.about["settings"]) == (None, None)


def test_a_step_of_an_older_file_was_chosen_by_settings_and_added_its_token():
    record = event_record(STEP)
    for later in ("chosen_by", "text"):
        del record[later]
    read = event_from_record(record)
    assert (read.chosen_by, read.text) == ("settings", STEP.token.text)


@pytest.mark.parametrize(
    ("written_by", "wrote"),
    [("gpt2", "written by gpt2, whose"), ("a\x1b[2Jb", "by a"), ("", "written, whose")],
)
def test_tokens_of_another_model_are_told(written_by, wrote):
    own = {1: " a", 2: " b"}
    check_tokens(own, {1: " a"}, written_by, "distilgpt2")
    with pytest.raises(PlaygroundError) as told:
        check_tokens(own, {1: " a", 2: " c"}, written_by, "distilgpt2")
    assert wrote in str(told.value)
    assert "are not those of distilgpt2; use the model that wrote it" in str(told.value)
    assert "\x1b" not in str(told.value)


def test_another_text_is_no_run():
    assert exported_run("Once upon a time", "a file") is None
    assert exported_run("", "a file") is None
