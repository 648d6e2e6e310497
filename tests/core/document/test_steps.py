"""Steps that are packed come back as they were, one by one, and take little room."""

from __future__ import annotations

import tracemalloc
from math import log

from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.packing import packed, unpacked
from core.document.steps import Steps
from core.records.steps import BeamStep, Candidate, Distribution, Hypothesis, TokenStep
from tests.core.document.event_strategies import STEPS


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=6), st.integers(0, 7))
def test_what_comes_out_is_what_went_in(steps, count):
    kept = Steps(steps)
    before = kept.copy()
    kept.pack()
    assert list(kept) == list(before) == steps
    assert kept == before
    assert list(kept.until(count)) == steps[:count]
    assert kept[1:-1] == tuple(steps[1:-1])
    assert [kept[at] for at in range(-len(steps), len(steps))] == steps * 2


def token_step(index, ids):
    weighed = tuple(
        Candidate(one, f" word {one}", -log(one), -log(one + 1), rank)
        for rank, one in enumerate(ids)
    )
    distribution = Distribution(weighed, 3.25 + index, 50)
    return TokenStep(index, weighed[index % 5], distribution, weighed[0].text, index / 7)


def long_run(count):
    return [token_step(at, range(300 + at, 305 + at)) for at in range(count)]


def test_a_step_can_be_had_from_any_pack_and_more_can_come_behind():
    steps = long_run(50)
    kept = Steps(steps[:40])
    kept.pack()
    longer = kept.copy()
    longer.append(steps[40])
    longer.pack()
    for one in steps[41:]:
        longer.append(one)
    assert list(longer) == steps
    assert len(kept) == 40
    assert [longer[at] for at in (0, 15, 16, 39, 40, 41, 49, -1)] == [
        steps[at] for at in (0, 15, 16, 39, 40, 41, 49, -1)
    ]
    assert list(kept.until(21)) == steps[:21]


def test_a_token_that_is_kept_takes_less_than_a_few_hundred_bytes():
    kept = Steps(long_run(16))
    kept.pack()  # what is only made once is there now
    tracemalloc.start()
    kept = Steps(long_run(480))
    kept.pack()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(kept) < 400


def beam_run(count):
    beams = (Hypothesis((), "", 0.0, 0.0, 0, Candidate(1, "a", 0.0, 0.0, 1)),) * 5
    for at, step in enumerate(long_run(count)):
        token = step.token
        beams = tuple(
            Hypothesis((*one.token_ids, token.token_id), one.text + token.text, -at, -at, n, token)
            for n, one in enumerate(beams)
        )
        yield BeamStep(at, beams, (), (), (step.distribution,) * 5, at)


def test_a_beam_takes_what_it_added_and_not_all_that_it_has():
    steps = list(beam_run(16))
    again = unpacked(packed(steps))
    assert list(again) == steps
    assert again[3].hypotheses[0].token is again[3].distributions[0].candidates[3]
    assert len(packed(steps)) < 500 * len(steps)


def test_beams_are_packed_while_their_run_goes_on():
    tracemalloc.start()
    kept = Steps()
    for step in beam_run(600):
        kept.append(step)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * 2**20  # as records they take 16
    steps = list(beam_run(600))
    assert (len(kept), kept[-1], kept[100]) == (600, steps[-1], steps[100])
    assert kept == Steps(steps)
