"""A whole beam search against ``generate()``: its beams' ways, every sum, and why it stops."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.looking_back.beam_contest import OUTSCORED, grew_at, lost_by
from core.looking_back.beam_search import (
    all_stretches,
    ancestors,
    ended_texts,
    folded,
    greedy_way,
    ranked_under,
    rows_of,
    standing,
)
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep
from tests.core.decoding.test_parity import CODEC, beams, ends, prompts, seeds
from tests.reference import SORTS_DRAWN_BEAMS, behind, run_ours, run_theirs, tiny_gpt2

searches = st.fixed_dictionaries(
    {"max_new_tokens": st.integers(3, 12), "num_beams": st.integers(2, 16)}, optional=beams
)
drawn = pytest.param(
    True,
    marks=pytest.mark.skipif(not SORTS_DRAWN_BEAMS, reason="leaves drawn beams unsorted"),
)


@pytest.mark.parametrize("do_sample", [False, drawn])
def test_ways_sums_and_scores_are_those_of_generate(do_sample):
    @examples(max_examples=12)
    @given(seeds, ends, prompts, searches)
    def compare(model_seed, eos, prompt, mapping):
        if do_sample:
            mapping = {**mapping, "do_sample": True, "top_k": 0, "seed": 5}
        module = tiny_gpt2(model_seed, vocab_size=60, eos_token_id=eos)
        chosen = Settings(**mapping)
        ours = run_ours(behind("transformers", module), CODEC, chosen, context=prompt)
        theirs = run_theirs(module, prompt, chosen, num_return_sequences=chosen.num_beams)
        scores = theirs.sequences_scores.tolist()
        transitions = module.compute_transition_scores(
            theirs.sequences, theirs.scores, theirs.beam_indices
        )
        finished = ours.steps[-1].finished
        assert finished
        for place, one in enumerate(finished):
            length = len(one.token_ids)
            assert list(one.token_ids) == theirs.sequences[place, len(prompt) :][:length].tolist()
            assert one.normalized_score == pytest.approx(scores[place], rel=1e-5, abs=1e-5)
            assert list(rows_of(ours.steps, one)) == theirs.beam_indices[place][:length].tolist()
            sums = torch.cumsum(transitions[place].double(), dim=0)[:length].tolist()
            # generate() tells each text's own log-probabilities, of which a beam's sum is made.
            told = [ancestor.score for ancestor in ancestors(ours.steps, one)]
            assert told == pytest.approx(sums, abs=1e-4)
        _check_standing(ours, chosen)

    compare()


def _check_standing(ours, chosen):
    for step in ours.steps:
        told = standing(step, chosen, chosen.max_new_tokens)
        assert told.is_over == (step is ours.steps[-1]), told
        assert (told.ended, told.wanted) == (len(step.finished), chosen.num_beams)
        if told.because in ("can_beat", "cannot_beat"):
            assert (told.bound > told.last) == (told.because == "can_beat")
        for one in step.dropped:
            short = lost_by(step, one)
            assert short is None or short >= 0
            if one.reason == OUTSCORED and any(grew_at(step, live) for live in step.hypotheses):
                assert short == step.hypotheses[-1].score - one.hypothesis.score


def test_what_a_person_put_first_counts_for_no_length():
    module, chosen = tiny_gpt2(3), Settings(num_beams=3, max_new_tokens=4, early_stopping="never")
    request = Request("", chosen, (7, 8), forced=(5, 9))
    events = list(generate(behind("transformers", module), CODEC, request, bool))
    steps = [one for one in events if isinstance(one, BeamStep)]
    assert steps[0].index == 2
    for one in steps[-1].finished:
        way = ancestors(steps, one)
        assert [len(beam.token_ids) for beam in way] == list(range(3, len(one.token_ids) + 1))
        assert way[-1] is one
    told = [standing(step, chosen, 4, put=2) for step in steps]
    assert [one.is_over for one in told] == [False] * (len(steps) - 1) + [True]
    assert {one.bound_length for one in told[:-1]} == {4}
    ranked = ranked_under(ended_texts(steps), chosen.length_penalty, put=2)
    assert ranked[0][0] == pytest.approx(events[-1].score)


@pytest.fixture(scope="module")
def search(demo):
    chosen = Settings(num_beams=4, max_new_tokens=30, early_stopping="never")
    return run_ours(demo.model, demo.codec, chosen, prompt="Once upon a time"), chosen


def test_the_folded_tree_holds_every_beam_once(search):
    run, _ = search
    trees = folded(run.steps)
    held = [one.token_ids for stretch in all_stretches(trees) for one in stretch.beams]
    ever = {
        one.token_ids
        for step in run.steps
        for one in (*step.hypotheses, *step.finished, *(one.hypothesis for one in step.dropped))
    }
    assert len(held) == len(set(held))
    assert set(held) == ever
    for stretch in all_stretches(trees):
        ids = [one.token_ids for one in stretch.beams]
        assert all(longer[:-1] == shorter for shorter, longer in pairwise(ids))
        assert len(stretch.behind) != 1 or stretch.ended
        assert all(one.beams[0].token_ids[:-1] == ids[-1] for one in stretch.behind)
    texts = {stretch.beams[-1].token_ids for stretch in all_stretches(trees) if stretch.ended}
    assert texts == {one.token_ids for one in ended_texts(run.steps)}


def test_another_length_penalty_ranks_by_its_own_measure(search):
    run, chosen = search
    ended = ended_texts(run.steps)
    score, first = ranked_under(ended, chosen.length_penalty)[0]
    assert first.token_ids == run.finished.token_ids
    assert score == pytest.approx(run.finished.score)
    for penalty in (-2.0, 0.0, 3.0):
        ranked = ranked_under(ended, penalty)
        assert len(ranked) == len(ended)
        best = max(ended, key=lambda one: one.score / len(one.token_ids) ** penalty)
        assert ranked[0][1] == best


def test_greedy_is_followed_to_where_its_beam_is_given_up(search, demo):
    run, chosen = search
    winner = next(one for one in run.steps[-1].finished if one.token_ids == run.finished.token_ids)
    alone = run_ours(demo.model, demo.codec, chosen.without_beams(), prompt="Once upon a time")
    greedy, won = alone.finished.token_ids, run.finished.token_ids
    told = greedy_way(run.steps, winner)
    parts = [at for at, pair in enumerate(zip(greedy, won, strict=False)) if len(set(pair)) > 1]
    assert told.leaves_at == (parts[0] if parts else None)
    if parts:
        assert told.token.token_id == greedy[parts[0]]
    length = told.lost_at + 1
    total = math.fsum(step.token.final_logprob for step in alone.steps[:length])
    assert told.score == pytest.approx(total, abs=1e-3)
    known = ancestors(run.steps, winner)
    assert told.behind == pytest.approx(
        known[min(length, len(known)) - 1].score - told.score, abs=1e-6
    )
