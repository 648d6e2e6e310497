"""Explanations on distributions worked by hand, and against transformers' own processors."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.decoding.recording import record_step
from core.decoding.weighing.step import chosen_candidate, weigh
from core.looking_back.explain import Reading, explain, look_up, tokens_of
from core.looking_back.logits_store import LogitsStore
from core.models.any.model import TransformersModel
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.decoding.test_parity import (
    every_penalty,
    every_warper,
    mappings,
    penalties,
    prompts,
    seeds,
    warpers,
)
from tests.core.looking_back.recorded import Letters, recorded, run_of
from tests.reference import byte_codec, new_tokens, run_ours, run_theirs, tiny_gpt2

HALVES = [math.log(one) for one in (0.5, 0.25, 0.125, 0.0625, 0.0625)]


def sampling(**more):
    return Settings(**{"do_sample": True, "top_k": 0, **more})


def test_by_hand_without_settings():
    told = explain(run_of([HALVES], [2]), 0)
    assert told.token.probability == pytest.approx(0.125)
    assert told.token.final_probability == pytest.approx(0.125)
    assert told.token.surprisal == pytest.approx(3.0)
    assert told.token.rank == told.final_rank == 3
    assert told.entropy == told.final_entropy == pytest.approx(1.875)
    assert told.kept == told.vocabulary_size == 5
    assert told.effects == ()
    assert told.rest == told.final_rest == pytest.approx(0.0, abs=1e-6)


def test_by_hand_each_setting_in_its_order():
    """Temperature 0.5 squares: 64, 16, 4, 1, 1 of 86. Two stay of five, then 80 % is enough."""
    told = explain(run_of([HALVES], [0], sampling(temperature=0.5, top_k=3, top_p=0.8)), 0)
    temperature, top_k, top_p = told.effects
    assert [one.name for one in told.effects] == ["temperature", "top_k", "top_p"]
    assert (temperature.removed, temperature.kept) == (0, 5)
    shares = [64 / 86, 16 / 86, 4 / 86, 1 / 86, 1 / 86]
    assert temperature.entropy == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=1e-5)
    assert (top_k.removed, top_k.kept) == (2, 3)
    assert top_k.removed_mass == pytest.approx(2 / 86)
    assert top_k.removed_own_mass == pytest.approx(0.125)
    # 64/84 is 0.76, so the second token crosses 0.8 and stays.
    assert (top_p.removed, top_p.kept) == (1, 2)
    assert top_p.removed_mass == pytest.approx(4 / 84)
    assert top_p.removed_own_mass == pytest.approx(0.125)
    assert told.kept == 2
    assert [one.cut_by for one in told.rows] == [None, None, "top_p", "top_k", "top_k"]
    assert told.token.final_probability == pytest.approx(0.8)
    assert told.rows[1].final_probability == pytest.approx(0.2)
    assert told.final_entropy == pytest.approx(-(0.8 * math.log2(0.8) + 0.2 * math.log2(0.2)))


def test_a_nucleus_keeps_the_token_that_crosses():
    told = explain(run_of([HALVES], [0], sampling(top_p=0.6)), 0)
    assert [one.cut_by for one in told.rows] == [None, None, "top_p", "top_p", "top_p"]


def test_a_chosen_token_outside_the_rows_keeps_its_own_probability():
    told = explain(run_of([HALVES], [4]), 0, rows=2)
    assert told.token.token_id == 4
    assert told.token.text == "e"
    assert told.token.probability == pytest.approx(0.0625)
    assert [one.token_id for one in told.rows] == [0, 1]
    assert told.rest == pytest.approx(0.25)


def test_other_settings_than_the_runs():
    run = run_of([HALVES], [3], sampling())
    told = explain(run, 0, sampling(min_p=0.2))
    assert told.token.cut_by == "min_p"
    assert told.token.final_logprob is None
    assert told.final_rank is None
    assert explain(run, 0).token.cut_by is None


def test_penalties_need_the_logits_as_they_are():
    """A repetition penalty multiplies negative logits, so their distance from 0 counts."""
    row = [-1.0, -2.0, -3.0]
    run = run_of([row], [1], Settings(repetition_penalty=3.0), context=(0,))
    told = explain(run, 0)
    penalized = torch.tensor([-3.0, -2.0, -3.0]).softmax(0)
    assert [look_up(run, 0, one).final_probability for one in range(3)] == pytest.approx(
        penalized.tolist()
    )
    assert told.token.rank == 2
    assert told.final_rank == 1


def test_the_context_of_a_step_is_the_text_before_it():
    run = run_of([HALVES] * 3, [0, 1, 0], Settings(no_repeat_ngram_size=2), context=(1, 0))
    # After 1 0 nothing repeats; after 1 0 0 the pair 0 0 would, after 1 0 0 1 the pair 1 0.
    cut = [[look_up(run, index, one).cut_by is not None for one in (0, 1)] for index in range(3)]
    assert cut == [[False, False], [True, False], [True, False]]


def test_200_rows_and_no_more():
    run = run_of([torch.randn(1000)], [0])
    assert len(explain(run, 0, rows=1000).rows) == 200
    assert [one.rank for one in explain(run, 0, rows=200).rows] == list(range(1, 201))
    assert len(explain(run_of([HALVES], [0]), 0, rows=200).rows) == 5


def test_look_up_by_text_and_id():
    run = run_of([HALVES], [0])
    assert tokens_of(Letters(), "c") == (Reading(2, 1),)
    assert tokens_of(Letters(), "cab") == (Reading(2, 3),)  # weighed by its first token: told
    assert look_up(run, 0, 2).rank == 3
    with pytest.raises(PlaygroundError, match="no token 5; this vocabulary has 0 to 4"):
        look_up(run, 0, 5)
    with pytest.raises(PlaygroundError, match="no token -1"):
        look_up(run, 0, -1)
    with pytest.raises(PlaygroundError, match="type a token's text"):
        tokens_of(Letters(), "")


def test_a_text_is_looked_up_with_and_without_its_space(demo):
    spellings = [one.token_id for one in tokens_of(demo.codec, "the")]
    assert [demo.codec.token_text(one) for one in spellings][-1].startswith(" t")
    assert len(spellings) == len(set(spellings)) >= 2
    assert tokens_of(demo.codec, "12")[-1] == Reading(12, 1)
    assert 10**9 not in [one.token_id for one in tokens_of(demo.codec, "1000000000")]


def test_what_is_no_longer_kept_is_said():
    store = LogitsStore(limit=1)
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    recorder.add(record_step(torch.zeros(1, 9), 0))
    with pytest.raises(PlaygroundError, match="step 1 were dropped to save memory"):
        explain(store.run("run"), 0)
    with pytest.raises(PlaygroundError, match="no step 2; this run has 1"):
        explain(store.run("run"), 1)


def test_beams_are_refused():
    with pytest.raises(PlaygroundError, match="beams choose among whole texts"):
        explain(run_of([HALVES], [0]), 0, Settings(num_beams=2))


@examples(max_examples=60)
@given(
    seeds,
    st.sampled_from([0, None]),
    prompts,
    st.fixed_dictionaries(
        {"max_new_tokens": st.integers(8, 12), "seed": seeds}, optional=penalties | warpers
    ),
)
def test_against_transformers_scores(model_seed, eos, prompt, mapping):
    """Probabilities, ranks, survivors and cuts are those of ``generate()``'s own scores."""
    chosen = Settings(do_sample=True, **mapping)
    module = tiny_gpt2(model_seed, eos_token_id=eos)
    theirs = run_theirs(module, prompt, chosen)
    run, finished = recorded(TransformersModel(module), byte_codec(), chosen, context=prompt)
    assert list(finished.token_ids) == new_tokens(theirs, prompt)
    assert theirs.logits
    for index, (logits, scores) in enumerate(zip(theirs.logits, theirs.scores, strict=True)):
        told = explain(run, index, rows=200)
        final = torch.log_softmax(scores[0].double(), dim=-1).exp().tolist()
        own = torch.log_softmax(logits[0].double(), dim=-1).exp().tolist()
        assert told.kept == int((scores[0] > -math.inf).sum())
        assert told.kept == told.vocabulary_size - sum(one.removed for one in told.effects)
        for one in told.rows:
            assert one.probability == pytest.approx(own[one.token_id], abs=1e-6)
            assert one.final_probability == pytest.approx(final[one.token_id], abs=1e-6)
            assert (one.cut_by is not None) == (final[one.token_id] == 0)


@examples(max_examples=30)
@given(
    seeds,
    prompts,
    mappings({"max_new_tokens": st.integers(8, 12)}, every_penalty | every_warper, most=6),
)
def test_what_steps_show_is_what_is_explained(model_seed, prompt, mapping):
    """No panel may contradict another: the records of the run are those of the explanation."""
    chosen = Settings(do_sample=True, seed=1, **mapping)
    model = TransformersModel(tiny_gpt2(model_seed))
    steps = run_ours(model, byte_codec(), chosen, context=prompt).steps
    run, _ = recorded(model, byte_codec(), chosen, context=prompt)
    assert len(steps) == len(run.steps) > 0
    for index, step in enumerate(steps):
        told = explain(run, index)
        assert told.kept == step.distribution.kept
        assert told.entropy == pytest.approx(step.distribution.entropy, abs=1e-4)
        for ours, shown in zip(told.rows, step.distribution.candidates, strict=True):
            assert (ours.token_id, ours.rank, ours.cut_by) == (
                shown.token_id,
                shown.rank,
                shown.cut_by,
            )
            assert ours.logprob == pytest.approx(shown.logprob, abs=1e-5)
        assert told.token.token_id == step.token.token_id
        assert told.token.rank == step.token.rank
        assert told.token.final_logprob == pytest.approx(step.token.final_logprob, abs=1e-5)


def test_equals_have_one_rank_and_one_order_wherever_they_are_told():
    """What a run records, what explains it, and what is looked up: 1 and how many are greater."""
    row = torch.zeros(3000)
    row[[50, 7, 2900]] = 2.0
    row[[40, 1000, 30, 2000]] = 1.0
    for chosen, rank in ((7, 1), (2900, 1), (30, 4), (2000, 4), (5, 8), (2999, 8)):
        weighed = weigh(row[None], torch.zeros((1, 0)), [], str, beams=False)
        record = chosen_candidate(weighed, 0, chosen, str)
        run = run_of([row], [chosen], context=(0,))
        told = explain(run, 0, rows=200)
        shown = weighed.distributions[0].candidates
        assert [one.token_id for one in shown] == [7, 50, 2900, 30, 40]
        assert [(one.token_id, one.rank) for one in told.rows[:5]] == [
            (one.token_id, one.rank) for one in shown
        ]
        of_rows = [one.rank for one in told.rows if one.token_id == chosen]
        found = {record.rank, told.token.rank, look_up(run, 0, chosen).rank, *of_rows}
        assert found == {rank}
