"""Export: the records to the letter, and JSON that is always valid and harmless."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.document.export.writers import event_record, json_line
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    Finished,
    Hypothesis,
    NextToken,
    Started,
    TokenStep,
)

FAR = Candidate(5, " far", math.log(0.5), math.log(0.8), 1)
CUT = Candidate(6, ",", math.log(0.25), None, 2, "top_k")
FAR_RECORD = {
    "token_id": 5,
    "text": " far",
    "logprob": math.log(0.5),
    "final_logprob": math.log(0.8),
    "rank": 1,
    "cut_by": None,
}
CUT_RECORD = {
    "token_id": 6,
    "text": ",",
    "logprob": math.log(0.25),
    "final_logprob": None,
    "rank": 2,
    "cut_by": "top_k",
}
BOTH = Distribution((FAR, CUT), 1.5, 1)
BOTH_RECORD = {"candidates": [FAR_RECORD, CUT_RECORD], "entropy": 1.5, "kept": 1}
STARTED = Started((1, 2), (2,), 3, 1024, 7)
STEP = TokenStep(0, FAR, BOTH, " far", 0.01)
HYPOTHESIS = Hypothesis((5,), " far", -0.7, -0.35, 0, FAR)


def scored(record):
    """A token's record in a beam search, whose last figure is no log-probability."""
    names = {"final_logprob": "final_score"}
    return {names.get(name, name): value for name, value in record.items()}


HYPOTHESIS_RECORD = {
    "token_ids": [5],
    "text": " far",
    "score": -0.7,
    "normalized_score": -0.35,
    "parent": 0,
    "token": scored(FAR_RECORD),
}


def test_a_step():
    record = {"type": "step", "index": 0, "chosen_by": "settings", "token": FAR_RECORD}
    assert event_record(STEP) == {**record, **BOTH_RECORD}


def test_what_is_weighed_for_the_next_token():
    assert event_record(NextToken(BOTH)) == {"type": "next_token", **BOTH_RECORD}


def test_a_start():
    assert event_record(STARTED) == {
        "type": "started",
        "context_token_ids": [1, 2],
        "prompt_token_ids": [2],
        "max_new_tokens": 3,
        "context_size": 1024,
        "seed": 7,
    }


def test_a_beam_step():
    event = BeamStep(
        4,
        (HYPOTHESIS,),
        (HYPOTHESIS,),
        (DroppedHypothesis(HYPOTHESIS, "outscored"),),
        (BOTH,),
        0.1,
    )

    assert event_record(event) == {
        "type": "beam_step",
        "index": 4,
        "hypotheses": [HYPOTHESIS_RECORD],
        "finished": [HYPOTHESIS_RECORD],
        "dropped": [{**HYPOTHESIS_RECORD, "reason": "outscored"}],
        "distributions": [{**BOTH_RECORD, "candidates": [scored(FAR_RECORD), scored(CUT_RECORD)]}],
    }


def test_an_end():
    plain = {
        "type": "finished",
        "reason": "length",
        "token_ids": [5],
        "text": " far",
        "tokens_per_second": 9.5,
    }
    assert event_record(Finished("length", (5,), " far", 9.5)) == plain
    of_beams = Finished("length", (5,), " far", 9.5, score=-0.35, detail="why")
    assert event_record(of_beams) == {**plain, "score": -0.35, "detail": "why"}
    assisted = Finished("length", (5,), " far", 9.5, drafted_tokens=4, accepted_tokens=3)
    assert event_record(assisted) == {**plain, "drafted_tokens": 4, "accepted_tokens": 3}


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_does_not_know_become_null(value):
    candidate = Candidate(5, "a", value, value, 1)
    step = TokenStep(0, candidate, Distribution((candidate,), value, 1), "a", 0.0)
    hypothesis = Hypothesis((5,), "a", value, value, 0, candidate)
    beam_step = BeamStep(0, (hypothesis,), (), (), (), 0.0)

    for event in (step, beam_step, Finished("length", (), "", value, score=value)):
        record = json.loads(json_line(event_record(event)))
        assert "Infinity" not in json_line(event_record(event))
        assert "NaN" not in json_line(event_record(event))
        if record["type"] == "step":
            assert (record["token"]["logprob"], record["entropy"]) == (None, None)
    with pytest.raises(ValueError, match="JSON"):
        json_line({"a": value})


@given(st.text(st.characters(), max_size=50))
def test_any_text_survives_json_on_one_printable_line(text):
    line = json_line({"text": text})

    assert json.loads(line) == {"text": text}
    assert line.splitlines() == [line[:-1]]
    line.encode()  # no half characters
    assert not set(line[:-1]) & {chr(code) for code in (*range(32), *range(0x7F, 0xA0))}


def test_json_keeps_other_scripts_readable():
    assert json_line({"text": "日本"}) == '{"text": "日本"}\n'
