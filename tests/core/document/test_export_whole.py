"""Whole records: the very event comes back from them, and a sentence from anything else."""

from __future__ import annotations

import contextlib
import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.export.parsing import event_from_record
from core.document.export.writers import event_record, json_line
from core.records.steps import Candidate, Distribution, Finished, TokenStep
from tests.core.document.event_strategies import ENDS, STEPS

CUT = Candidate(6, "\udcff", -math.inf, None, 2, "top_k")
LEFT = Candidate(5, " far", -0.1, -math.inf, 1)
STEP = TokenStep(0, LEFT, Distribution((LEFT, CUT), 1.5, 1), " far", 0.25, "person", True)


def written(event):
    return json.loads(json_line(event_record(event, whole=True)))


@settings(max_examples=100, deadline=None)
@given(STEPS | ENDS)
def test_an_event_comes_back_as_it_was(event):
    assert event_from_record(written(event)) == event


def test_no_probability_and_that_of_nothing_stay_apart():
    step = event_from_record(written(STEP))
    assert step == STEP
    assert step.distribution.candidates[0].final_logprob == -math.inf
    assert step.distribution.candidates[1].final_logprob is None
    nothing = Finished("failed", (), "", math.nan)
    assert math.isnan(event_from_record(written(nothing)).tokens_per_second)


def test_an_export_says_no_more_than_before():
    record = event_record(STEP)
    assert "elapsed" not in record
    assert record["candidates"][1]["logprob"] is None


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


WRONG = st.sampled_from([True, -1, 2**70, 1.5, "x" * 2000, [], {}, [None], None, "NaN"])


@settings(max_examples=150, deadline=None)
@given(STEPS, st.randoms(use_true_random=False), WRONG)
def test_any_wrong_field_is_told_or_harmless(step, random, wrong):
    changed = copy.deepcopy(written(step))
    path = random.choice([one for one in places(changed) if one])
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    with contextlib.suppress(ValueError):
        event_record(event_from_record(changed), whole=True)


@pytest.mark.parametrize("wrong", [True, 2**63, 1.0, -1, "1", None])
def test_a_count_is_a_whole_number_that_machines_can_hold(wrong):
    record = written(STEP)
    with pytest.raises(ValueError, match="'rank' is of another kind"):
        event_from_record({**record, "token": {**record["token"], "rank": wrong}})


def test_a_search_has_a_beam():
    record = {"type": "beam_step", "index": 0, "hypotheses": [], "finished": [], "dropped": []}
    with pytest.raises(ValueError, match="'hypotheses' has none"):
        event_from_record({**record, "distributions": []})
