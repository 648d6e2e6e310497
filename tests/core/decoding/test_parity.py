"""The proof: the same tokens as ``model.generate()``, over random models and settings.

On every engine: transformers and plain torch in float64, the latter also recorded, so that each
step starts before the last one is read; the native kernel in float32. Engines of one dtype share
what ``generate()`` answers, which costs more than they do.
"""

from __future__ import annotations

import math
import os
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.beams.state import BEHIND_ALL
from core.records.settings import Settings
from core.records.steps import BeamStep, TokenStep
from tests.reference import (
    NATIVE,
    behind,
    byte_codec,
    new_tokens,
    run_ours,
    run_theirs,
    tiny_gpt2,
)

CODEC = byte_codec()
TOLERANCES = {"transformers": 1e-6, "torch": 1e-6, "graph": 1e-6, "native": 1e-5}
"""Of probabilities: the kernel runs in float32, where two right answers differ by rounding."""

DEPTH = int(os.environ.get("GPT2_PLAYGROUND_PARITY", "1"))
"""How many times as many examples are tried: some hundred before a release."""

on_every_engine = pytest.mark.parametrize(
    "engines",
    [
        pytest.param(("transformers", "torch", "graph"), id="float64"),
        pytest.param(("native",), id="float32", marks=NATIVE.marks),
    ],
)

seeds = st.integers(0, 2**31)
prompts = st.lists(st.integers(1, 23), min_size=1, max_size=8).map(tuple)
ends = st.sampled_from([0, [0, 5], None])

token_ids = st.integers(0, 23)
some_ids = st.lists(token_ids, min_size=1, max_size=3).map(tuple)
biases = st.dictionaries(some_ids, st.sampled_from([-5.0, 1.5, 4.0]), min_size=1, max_size=4)

penalties = {
    "repetition_penalty": st.sampled_from([0.7, 1.1, 1.8]),
    "no_repeat_ngram_size": st.integers(1, 3),
    "min_new_tokens": st.integers(1, 8),
}
with_any = {
    "guidance_scale": st.sampled_from([0.5, 1.5, 3.0]),
    "sequence_bias": biases,
    "min_length": st.integers(1, 16),
    "remove_invalid_values": st.just(True),
    "exponential_decay_length_penalty": st.sampled_from([(0, 2.0), (2, 1.3), (4, 1.05), (1, 0.8)]),
    "suppress_tokens": some_ids,
    "begin_suppress_tokens": some_ids,
    "renormalize_logits": st.just(True),
    "eos_token_id": some_ids,
}
"""What leaves beams of which some are drawn enough tokens to draw from."""
warpers = {
    "temperature": st.sampled_from([0.3, 0.7, 1.5, 3.0]),
    "top_k": st.sampled_from([0, 1, 2, 5, 100]),
    "top_p": st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.99]),
    "min_p": st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    "typical_p": st.sampled_from([0.2, 0.9]),
    "epsilon_cutoff": st.sampled_from([0.01, 0.2]),
    "eta_cutoff": st.sampled_from([0.01, 0.2]),
}
every_penalty = {
    **penalties,
    **with_any,
    "bad_words_ids": st.lists(some_ids, min_size=1, max_size=4).map(tuple),
    "forced_eos_token_id": some_ids,
}
every_warper = {**warpers, "top_h": st.sampled_from([0.1, 0.5, 0.9, 1.0])}
beams = {
    "length_penalty": st.sampled_from([-1.0, 0.0, 0.5, 2.0]),
    "early_stopping": st.sampled_from([True, "never"]),
}
lengths = {"max_new_tokens": st.integers(8, 20)}


@st.composite
def mappings(draw, always, pool, most=4):
    """``always``, and some settings of ``pool``: alone, in pairs, and a few together."""
    names = draw(st.lists(st.sampled_from(sorted(pool)), max_size=most, unique=True))
    found = draw(st.fixed_dictionaries({**always, **{name: pool[name] for name in names}}))
    if set(found.get("forced_eos_token_id", "x")) <= set(found.get("suppress_tokens", ())):
        del found["suppress_tokens"]  # as generate() does, the settings refuse both
    if "guidance_scale" in found and draw(st.booleans()):
        found["negative_prompt_ids"] = draw(some_ids)
    return found


def random_module(engines, model_seed, eos):
    module = tiny_gpt2(model_seed, eos_token_id=eos)
    return module.float() if "native" in engines else module


def compared(engines, model_seed, eos, prompt, mapping):
    if eos is None and "exponential_decay_length_penalty" in mapping:
        eos = 0  # without an end, generate() fails
    module = random_module(engines, model_seed, eos)
    if "guidance_scale" in mapping:
        module = module.float()  # in float64 generate() chooses from float64 scores then
    return compared_module(engines, module, prompt, mapping)


def tolerance(engine, mapping):
    return TOLERANCES["native" if "guidance_scale" in mapping else engine]


def compared_module(engines, module, prompt, mapping):
    """Yield each engine, what it generated and what ``generate()`` did: the same tokens."""
    chosen = Settings(**mapping)
    models = [behind(engine, module) for engine in engines]
    theirs = run_theirs(module, prompt, chosen)
    expected = new_tokens(theirs, prompt)
    for engine, model in zip(engines, models, strict=True):
        ours = run_ours(model, CODEC, chosen, context=prompt)
        assert list(ours.finished.token_ids) == expected, engine
        yield engine, ours, theirs


def compare(engine, model_seed, eos, prompt, mapping):
    """Return what one engine generated, and what ``generate()`` did: the same tokens."""
    ((_, ours, theirs),) = compared([engine], model_seed, eos, prompt, mapping)
    return ours, theirs


@on_every_engine
@settings(max_examples=60 * DEPTH)
@given(seeds, ends, prompts, mappings(lengths, every_penalty))
def test_greedy(engines, model_seed, eos, prompt, mapping):
    for engine, ours, theirs in compared(engines, model_seed, eos, prompt, mapping):
        assert [step.token.token_id for step in ours.steps] == list(ours.finished.token_ids)
        for step, logits in zip(ours.steps, theirs.logits, strict=True):
            assert_top_five(step, logits[0], tolerance(engine, mapping))


@on_every_engine
@settings(max_examples=120 * DEPTH)
@given(
    seeds, ends, prompts, mappings({**lengths, "seed": seeds}, every_penalty | every_warper, most=6)
)
def test_sampling(engines, model_seed, eos, prompt, mapping):
    mapping = {"do_sample": True, **mapping}
    for engine, ours, theirs in compared(engines, model_seed, eos, prompt, mapping):
        assert ours.steps
        for step, logits, scores in zip(ours.steps, theirs.logits, theirs.scores, strict=True):
            assert_top_five(step, logits[0], tolerance(engine, mapping))
            assert_final(step, scores[0])


@on_every_engine
@settings(max_examples=150 * DEPTH)
@given(
    seeds,
    ends,
    prompts,
    mappings({**lengths, "num_beams": st.integers(2, 6)}, every_penalty | beams),
)
def test_beam_search(engines, model_seed, eos, prompt, mapping):
    for _, ours, theirs in compared(engines, model_seed, eos, prompt, mapping):
        score = float(theirs.sequences_scores[0])
        if ours.finished.detail:  # nothing could go on: generate() tells its own mark, a billion
            assert score == pytest.approx(BEHIND_ALL)
        else:
            assert ours.finished.score == pytest.approx(score, rel=5e-6, abs=1e-5)


@settings(max_examples=60)
@given(seeds, prompts, st.fixed_dictionaries({**lengths, "num_beams": st.integers(2, 6)}))
def test_beams_by_figures_of_torch(model_seed, prompt, mapping):
    """As on a GPU, where a step is read in one piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.decoding.weighing.figures._native", lambda rows, count: None)
        ours, theirs = compare("torch", model_seed, 0, prompt, mapping)
    assert ours.finished.score == pytest.approx(float(theirs.sequences_scores[0]), rel=1e-6)


@settings(max_examples=120)
@given(
    seeds,
    ends,
    prompts,
    st.fixed_dictionaries(
        {**lengths, "num_beams": st.integers(2, 7), "no_repeat_ngram_size": st.just(1)},
        optional={**beams, "length_penalty": st.sampled_from([-10.0, 0.3, 10.0])},
    ),
)
def test_beams_of_which_none_can_go_on(model_seed, eos, prompt, mapping):
    """Where every token was taken already, ``generate()`` returns an unfinished sequence."""
    module = tiny_gpt2(model_seed, vocab_size=9, eos_token_id=eos)
    prompt = tuple(one % 9 for one in prompt)
    for _, ours, _ in compared_module(["torch"], module, prompt, mapping):
        assert ours.finished.reason != "cancelled"
        assert all(step.hypotheses for step in ours.steps)


@settings(max_examples=100)
@given(
    seeds,
    ends,
    prompts,
    st.sampled_from([0.02, 0.05, 0.6]),
    st.fixed_dictionaries({**lengths, "num_beams": st.integers(2, 6)}, optional=beams),
)
def test_beams_of_equal_score(model_seed, eos, prompt, sharpness, mapping):
    """In bfloat16 many tokens have the very same logit, and topk decides which of them go on."""
    module = tiny_gpt2(model_seed, vocab_size=60, eos_token_id=eos, sharpness=sharpness, n_layer=1)
    module = module.bfloat16()
    for _, ours, theirs in compared_module(["transformers"], module, prompt, mapping):
        assert ours.finished.score == float(theirs.sequences_scores[0])


@on_every_engine
@settings(max_examples=120 * DEPTH)
@given(
    seeds,
    ends,
    prompts,
    mappings(
        {**lengths, "num_beams": st.integers(2, 4), "seed": seeds},
        {
            **with_any,
            "min_new_tokens": penalties["min_new_tokens"],
            "temperature": warpers["temperature"],
            "top_k": st.sampled_from([0, 8, 100]),
            "top_p": st.sampled_from([0.5, 0.9, 0.99]),
            **beams,
        },
    ),
)
def test_beam_sampling(engines, model_seed, eos, prompt, mapping):
    mapping = {"do_sample": True, **mapping}
    for _, ours, theirs in compared(engines, model_seed, eos, prompt, mapping):
        assert ours.finished.score == pytest.approx(
            float(theirs.sequences_scores[0]), rel=1e-5, abs=1e-5
        )


ONE_OF_EACH = {
    "repetition_penalty": 1.8,
    "no_repeat_ngram_size": 2,
    "min_new_tokens": 6,
    "guidance_scale": 3.0,
    "sequence_bias": {(5,): 4.0, (3, 7): -5.0},
    "min_length": 12,
    "remove_invalid_values": True,
    "exponential_decay_length_penalty": (2, 1.5),
    "suppress_tokens": (3, 9),
    "begin_suppress_tokens": (0, 4, 12),
    "renormalize_logits": True,
    "eos_token_id": (6, 11),
    "bad_words_ids": ((5,), (2, 8), (14,)),
    "forced_eos_token_id": (0, 4),
}
ONE_OF_EACH_DRAWN = {
    "temperature": 1.5,
    "top_h": 0.9,
    "top_k": 12,
    "top_p": 0.9,
    "min_p": 0.05,
    "typical_p": 0.9,
    "epsilon_cutoff": 0.01,
    "eta_cutoff": 0.01,
}
TOO_FEW_LEFT = {"bad_words_ids", "forced_eos_token_id", *ONE_OF_EACH_DRAWN} - {
    "temperature",
    "top_k",
    "top_p",
    "min_p",
}
"""What may leave beams of which some are drawn too few tokens, so that ``generate()`` fails."""


@pytest.mark.skipif(DEPTH == 1, reason="takes minutes: GPT2_PLAYGROUND_PARITY=2")
@pytest.mark.parametrize("does_sample", [False, True], ids=["likeliest", "drawn"])
@pytest.mark.parametrize("num_beams", [1, 3])
def test_every_setting_alone_and_every_pair(num_beams, does_sample):
    values = {**ONE_OF_EACH, **(ONE_OF_EACH_DRAWN if does_sample else {})}
    if num_beams > 1 and does_sample:
        values = {name: one for name, one in values.items() if name not in TOO_FEW_LEFT}
    always = {"max_new_tokens": 10, "num_beams": num_beams, "do_sample": does_sample, "seed": 3}
    differ = 0
    plain, _ = compare("torch", 5, 0, (2, 9, 4), always)
    for names in (*combinations(values, 1), *combinations(values, 2)):
        mapping = always | {name: values[name] for name in names}
        ours, _ = compare("torch", 5, 0, (2, 9, 4), mapping)
        differ += ours.finished.token_ids != plain.finished.token_ids
    assert differ > len(values)


@on_every_engine
@settings(max_examples=25)
@given(seeds, prompts)
def test_default_length_is_transformers(engines, model_seed, prompt):
    for _, ours, _ in compared(engines, model_seed, None, prompt, {}):
        assert len(ours.finished.token_ids) == 20


@on_every_engine
@settings(max_examples=25)
@given(seeds, prompts, st.integers(9, 20), st.integers(1, 3))
def test_max_length_counts_the_prompt(engines, model_seed, prompt, max_length, num_beams):
    mapping = {"max_length": max_length, "num_beams": num_beams}
    for _, ours, _ in compared(engines, model_seed, None, prompt, mapping):
        assert len(ours.finished.token_ids) == max_length - len(prompt)


@on_every_engine
@settings(max_examples=20)
@given(seeds, prompts, st.integers(2, 5))
def test_beams_are_consistent(engines, model_seed, prompt, num_beams):
    """Every live beam continues its parent, and its score is its parent's plus its token's."""
    module = random_module(engines, model_seed, 0)
    chosen = Settings(num_beams=num_beams, max_new_tokens=12, early_stopping="never")
    for engine in engines:
        ours = run_ours(behind(engine, module), CODEC, chosen, context=prompt)
        assert len(ours.steps) > 1
        assert_consistent(ours.steps[:-1])


def assert_consistent(steps: list[BeamStep]) -> None:
    before: BeamStep | None = None
    for step in steps:
        assert isinstance(step, BeamStep)
        for hypothesis in step.hypotheses:
            parent_score, parent_ids = 0.0, ()
            if before is not None:
                parent = before.hypotheses[hypothesis.parent]
                parent_score, parent_ids = parent.score, parent.token_ids
            assert hypothesis.token_ids[:-1] == parent_ids
            assert hypothesis.token_ids[-1] == hypothesis.token.token_id
            assert hypothesis.score == pytest.approx(
                parent_score + hypothesis.token.final_logprob, abs=1e-4
            )
        assert list(step.hypotheses) == sorted(step.hypotheses, key=lambda one: -one.score)
        before = step


def assert_top_five(step: TokenStep, logits: torch.Tensor, tolerance: float) -> None:
    probabilities = torch.softmax(logits.double(), dim=-1)
    top = probabilities.topk(5)
    ours = step.distribution.candidates
    assert [one.probability for one in ours] == pytest.approx(top.values.tolist(), abs=tolerance)
    assert [one.token_id for one in ours] == top.indices.tolist()
    entropy = -float((probabilities * probabilities.log2()).nan_to_num().sum())
    assert step.distribution.entropy == pytest.approx(entropy, abs=1e-4)
    chosen = step.token
    assert chosen.probability == pytest.approx(float(probabilities[chosen.token_id]), abs=tolerance)
    assert chosen.rank == 1 + int((logits > logits[chosen.token_id]).sum())


def assert_final(step: TokenStep, scores: torch.Tensor) -> None:
    final = torch.log_softmax(scores.double(), dim=-1)
    assert step.distribution.kept == int((scores > -math.inf).sum())
    for one in (*step.distribution.candidates, step.token):
        expected = float(final[one.token_id])
        if expected == -math.inf:
            assert one.final_logprob is None
            assert one.cut_by is not None
        else:
            assert one.final_logprob == pytest.approx(expected, abs=1e-4)
            assert one.cut_by is None
