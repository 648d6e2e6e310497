"""The step that is started before the last one is read: the same run as step by step."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.ahead import step_tensor
from core.decoding.engine import generate
from core.records.request import Request
from core.records.settings import Settings
from tests.core.decoding.test_parity import penalties, warpers
from tests.core.looking_back.recorded import CODEC, CONTEXT, Without, whole_run
from tests.reference import behind, tiny_gpt2


def step_by_step(model):
    return Without(model, "looks_ahead", "decode_ahead", "settle")


@pytest.fixture(autouse=True)
def figures_by_torch(monkeypatch):
    """Both ways then sum alike, so that what they tell is equal to the bit."""
    monkeypatch.setattr("core.decoding.weighing.figures._native", lambda rows, count: None)


def both_ways(module, chosen, **how):
    ahead, by_step = behind("graph", module), behind("graph", module)
    steps = count_steps_ahead(ahead)
    ours = whole_run(ahead, chosen, **how)
    assert ours == whole_run(step_by_step(by_step), chosen, **how)
    # The cache says what the rows say: the next run that goes on from them is the same too.
    going_on = (*ours[2][0], 5)
    again = Settings(max_new_tokens=3)
    continued = whole_run(ahead, again, context=going_on)
    assert continued == whole_run(step_by_step(by_step), again, context=going_on)
    return ours, steps


def count_steps_ahead(model):
    steps = []
    decode_ahead = model.decode_ahead
    model.decode_ahead = lambda token: steps.append(1) or decode_ahead(token)
    return steps


seeds = st.integers(0, 2**31)
lengths = {"max_new_tokens": st.integers(8, 20)}


@settings(max_examples=60)
@given(
    seeds, st.sampled_from([0, [0, 5], None]), st.fixed_dictionaries(lengths, optional=penalties)
)
def test_greedy(seed, eos, mapping):
    both_ways(tiny_gpt2(seed, eos_token_id=eos).float(), Settings(**mapping))


@settings(max_examples=75)  # under all settings the parity tests hold this engine to generate()
@given(
    seeds,
    st.sampled_from([0, [0, 5], None]),
    st.fixed_dictionaries({**lengths, "seed": seeds}, optional=penalties | warpers),
)
def test_sampling(seed, eos, mapping):
    both_ways(tiny_gpt2(seed, eos_token_id=eos).float(), Settings(do_sample=True, **mapping))


@settings(max_examples=30)
@given(seeds, st.integers(0, 9), st.booleans())
def test_cancelled(seed, after, is_sampling):
    chosen = Settings(max_new_tokens=8, do_sample=is_sampling, seed=seed)
    module = tiny_gpt2(seed, eos_token_id=None).float()
    ours, _ = both_ways(module, chosen, cancel_after=after)
    assert ours[0][-1][0] == ("cancelled" if after < 8 else "length")


def test_stopped_by_a_string_one_step_is_taken_back():
    module = tiny_gpt2(1, eos_token_id=None).float()
    whole, _ = both_ways(module, Settings(max_new_tokens=12))
    third = CODEC.decode(whole[0][-1][1])[2]
    ours, steps = both_ways(module, Settings(max_new_tokens=12, stop_strings=(third,)))
    _, *tokens, finished = ours[0]
    assert finished[0] == "stop_string"
    assert len(steps) - 2 == len(tokens) <= 3  # the run that went on took two more
    assert ours[2] == [[*CONTEXT, *finished[1][:-1]]]


def test_nothing_is_started_behind_the_last_token_of_a_full_context():
    module = tiny_gpt2(3, n_positions=12, eos_token_id=None).float()
    model = behind("graph", module)
    steps = count_steps_ahead(model)
    events, _, rows, length = whole_run(model, Settings(max_new_tokens=100))
    assert events[-1][0] == "context_full"
    assert len(steps) == 8
    assert (len(rows[0]), length) == (11, 11)
    model.decode([1])
    with pytest.raises(ValueError, match="at most 12"):
        model.decode_ahead(torch.tensor([1]))


def test_a_run_that_is_left_in_the_middle_leaves_no_step_behind():
    model = behind("graph", tiny_gpt2(3, eos_token_id=None).float())
    events = generate(model, CODEC, Request("", Settings(max_new_tokens=9), CONTEXT), bool)
    assert len(list(islice(events, 4))) == 4
    assert model._is_ahead
    events.close()
    assert not model._is_ahead
    assert model._cache.length == len(model.rows[0]) == len(CONTEXT) + 2


def test_the_cache_grows_and_is_recorded_anew_in_the_middle_of_a_run():
    module = tiny_gpt2(5, n_positions=300, eos_token_id=None).float()
    chosen = Settings(max_new_tokens=280, do_sample=True, seed=3)
    ours, steps = both_ways(module, chosen)
    assert len(ours[0][-1][1]) == 280
    assert len(steps) == 279 + 2


def test_logits_stay_as_they_were_while_the_next_step_writes():
    model = behind("graph", tiny_gpt2(2).float())
    model.prefill(CONTEXT)
    first = model.decode_ahead(torch.tensor([4]))
    kept = first.clone()
    model.settle(4)
    second = model.decode_ahead(torch.tensor([5]))
    assert torch.equal(first, kept)
    assert not torch.equal(first, second)
    model.settle(None)
    assert model.rows == [[*CONTEXT, 4]]
    assert torch.equal(model.decode([5]), second)


def test_a_recording_that_fails_in_the_middle_of_a_run_goes_on_without():
    model = behind("graph", tiny_gpt2(5, n_positions=300, eos_token_id=None).float())

    def refuse(step):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    model._torch._graph._capture = refuse
    events, _, rows, _ = whole_run(model, Settings(max_new_tokens=200))
    assert len(events) == 202
    assert len(rows[0]) == len(CONTEXT) + 199
    assert model.kernel == "torch (no CUDA graph: operation not permitted when stream is capturing)"


def test_the_model_is_asked_for_the_next_step_before_this_one_is_read(monkeypatch):
    happened = []
    model = behind("graph", tiny_gpt2(2, eos_token_id=None).float())
    decode_ahead = model.decode_ahead
    model.decode_ahead = lambda token: happened.append("start") or decode_ahead(token)
    monkeypatch.setattr(
        "core.decoding.ahead.step_tensor",
        lambda *given: happened.append("read") or step_tensor(*given),
    )
    whole_run(model, Settings(max_new_tokens=3))
    assert happened == ["start", "read", "start", "read", "read"]
