"""An assistant that guesses: it changes how fast a run is, and not one bit of what is told."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.models.base import TakesGuesses
from core.models.gpt2 import assistant as gpt2_assistant
from core.models.gpt2.assistant import MOST_GUESSES, rounded
from core.models.gpt2.kernel.build import native_library
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished
from tests.core.decoding.test_parity import penalties, warpers
from tests.core.looking_back.recorded import CODEC, CONTEXT, whole_run
from tests.reference import behind, tiny_gpt2

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["f32", "bf16"])
dtypes = st.sampled_from([torch.float32, torch.bfloat16])
lengths = {"max_new_tokens": st.integers(8, 20)}
seeds = st.integers(0, 2**31)
ends = st.sampled_from([0, [0, 5], None])


def assisted(module, dtype=torch.float32):
    model = behind("native", module, dtype)
    assert model.take_assistant(only_if_it_pays=False)
    return model


def watched(model):
    """Counts what the model is asked for."""
    asked = {"guess": 0, "check": 0, "decode": 0}
    for name in asked:
        ask = getattr(model, name)

        def counted(token_ids, name=name, ask=ask):
            asked[name] += 1
            return ask(token_ids)

        setattr(model, name, counted)
    return asked


def both_ways(module, chosen, dtype=torch.float32, **how):
    ours, plain = assisted(module, dtype), behind("native", module, dtype)
    told = whole_run(ours, chosen, **how)
    assert told == whole_run(plain, chosen, **how)
    # The cache says what the rows say: the next run that goes on from them is the same too.
    going_on = (*told[2][0], 5)
    again = Settings(max_new_tokens=3)
    continued = whole_run(ours, again, context=going_on)
    assert continued == whole_run(plain, again, context=going_on)
    return told


@settings(max_examples=80)
@given(dtypes, seeds, ends, st.fixed_dictionaries(lengths, optional=penalties))
def test_greedy(dtype, seed, eos, mapping):
    both_ways(tiny_gpt2(seed, eos_token_id=eos), Settings(**mapping), dtype)


@settings(max_examples=120)
@given(
    dtypes,
    seeds,
    ends,
    st.fixed_dictionaries({**lengths, "seed": seeds}, optional=penalties | warpers),
)
def test_sampling(dtype, seed, eos, mapping):
    both_ways(tiny_gpt2(seed, eos_token_id=eos), Settings(do_sample=True, **mapping), dtype)


@settings(max_examples=30)
@given(seeds, st.integers(0, 9), st.booleans())
def test_cancelled(seed, after, is_sampling):
    chosen = Settings(max_new_tokens=8, do_sample=is_sampling, seed=seed)
    told = both_ways(tiny_gpt2(seed, eos_token_id=None), chosen, cancel_after=after)
    assert told[0][-1][0] == ("cancelled" if after < 8 else "length")


@settings(max_examples=60)
@given(dtypes, seeds, st.integers(1, MOST_GUESSES + 1), st.sampled_from([16, 64, 128, 66]))
def test_several_tokens_at_once_are_to_the_bit_like_one_after_the_other(dtype, seed, count, size):
    """Heads of 8, 32, 64 and 33; the last fills neither vectors nor tiles."""
    module = tiny_gpt2(seed, n_embd=size, vocab_size=130, eos_token_id=None)
    ours, plain = assisted(module, dtype), behind("native", module, dtype)
    torch.manual_seed(seed)
    tokens = torch.randint(130, (40,)).tolist()
    ours.prefill(tokens[:3])
    plain.prefill(tokens[:3])
    for begin in range(3, 40 - count, count):
        some = tokens[begin : begin + count]
        for token_id in some[1:]:
            ours.guess((token_id + 1) % 130)
        together = ours.check(some)
        for row, token_id in zip(together, some, strict=True):
            assert torch.equal(row, plain.decode([token_id])[0])
    assert ours.rows == plain.rows


@DTYPES
def test_matrices_that_are_read_in_streams_too(dtype):
    module = tiny_gpt2(1, n_embd=128, n_inner=8323, vocab_size=8333, n_layer=1, eos_token_id=None)
    both_ways(module, Settings(max_new_tokens=30, do_sample=True, seed=1), dtype)


def test_most_steps_are_checked_together():
    model = assisted(tiny_gpt2(1, n_positions=200, eos_token_id=None))
    asked = watched(model)
    events = list(generate(model, CODEC, Request("", Settings(max_new_tokens=150), CONTEXT), bool))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.drafted_tokens == asked["guess"] > 100
    assert 0.8 * finished.drafted_tokens < finished.accepted_tokens
    assert finished.accepted_share == finished.accepted_tokens / finished.drafted_tokens
    assert asked["check"] + asked["decode"] < 50


def test_an_assistant_that_is_always_wrong_is_seldom_asked():
    module = tiny_gpt2(1, n_positions=200, eos_token_id=None)
    model = assisted(module)
    guess = model.guess
    model.guess = lambda token_id: guess(token_id).neg()
    asked = watched(model)
    chosen = Settings(max_new_tokens=150)
    assert whole_run(model, chosen) == whole_run(behind("native", module, torch.float32), chosen)
    # Ten guesses until none is left, then one before every other step.
    assert asked["guess"] < 10 + 75
    assert asked["decode"] > 60


def test_no_token_is_guessed_behind_the_end_of_a_run():
    model = assisted(tiny_gpt2(3, n_positions=12, eos_token_id=None))
    asked = watched(model)
    events, _, rows, length = whole_run(model, Settings(max_new_tokens=100))
    assert events[-1][0] == "context_full"
    assert (len(rows[0]), length) == (11, 11)
    assert asked["guess"] + asked["decode"] + asked["check"] <= 2 * 8
    asked["guess"] = 0
    whole_run(model, Settings(max_new_tokens=1))
    assert asked["guess"] == 0


def test_nothing_is_guessed_behind_an_end_of_text():
    module = tiny_gpt2(1, eos_token_id=None)
    second = whole_run(behind("native", module, torch.float32), Settings(max_new_tokens=9))[0][2]
    ending = tiny_gpt2(1, eos_token_id=second[1].token_id)
    model = assisted(ending)
    asked = watched(model)
    events, *_ = whole_run(model, Settings(max_new_tokens=9))
    assert events[-1][0] == "end_of_text"
    assert asked["guess"] <= len(events) - 2


def test_a_run_that_is_left_in_the_middle_leaves_no_guess_behind():
    model = assisted(tiny_gpt2(3, eos_token_id=None))
    events = generate(model, CODEC, Request("", Settings(max_new_tokens=20), CONTEXT), bool)
    assert len(list(islice(events, 4))) == 4
    assert len(model.rows[0]) > len(CONTEXT) + 2
    events.close()
    assert model._cache.length == len(model.rows[0]) == len(CONTEXT) + 2


def test_beams_have_no_use_for_it():
    module = tiny_gpt2(3, eos_token_id=None)
    model = assisted(module)
    asked = watched(model)
    chosen = Settings(max_new_tokens=8, num_beams=3)
    ours, theirs = (
        list(generate(one, CODEC, Request("", chosen, CONTEXT), bool))[-1]
        for one in (model, behind("native", module, torch.float32))
    )
    assert ours.token_ids == theirs.token_ids
    assert ours.drafted_tokens == asked["guess"] == asked["check"] == 0


def test_its_weights_are_rounded_and_its_vectors_shared():
    weights = behind("native", tiny_gpt2(2, tie_word_embeddings=False), torch.float32)._weights
    other = rounded(weights)
    layer, exact = other.layers[1], weights.layers[1]
    assert layer.up.dtype == other.tokens.dtype == other.head.dtype == torch.int8
    assert other.head.data_ptr() != other.tokens.data_ptr()
    assert torch.allclose(
        layer.up * layer.up_scale[:, None], exact.up, atol=exact.up.abs().max() / 250
    )
    assert layer.ln_1_weight.data_ptr() == exact.ln_1_weight.data_ptr()
    tied = rounded(behind("native", tiny_gpt2(2), torch.float32)._weights)
    assert tied.head is tied.tokens


def test_it_stays_only_where_it_pays(monkeypatch):
    module = tiny_gpt2(2)
    for gain, stays in ((0.0, False), (float("inf"), True)):
        monkeypatch.setattr(gpt2_assistant, "_GAIN", gain)
        model = behind("native", module, torch.float32)
        assert model.take_assistant(only_if_it_pays=True) is stays
        assert bool(model.most_guesses) is stays
        assert model._cache.length == 0
        assert whole_run(model, Settings(max_new_tokens=9))[0][-1][0] == "length"


def test_who_can_have_one(monkeypatch):
    module = tiny_gpt2(2)
    model = behind("native", module, torch.float32)
    assert isinstance(model, TakesGuesses)
    assert model.most_guesses == 0
    with pytest.raises(ValueError, match="no assistant"):
        model.guess(1)
    assert model.why_no_assistant(is_wanted=True) == ""
    assert model.why_no_assistant(is_wanted=False) == "the model is small"
    monkeypatch.setattr(gpt2_assistant, "_LEAST_BYTES", 0)
    assert model.why_no_assistant(is_wanted=False) == ""
    monkeypatch.setattr(gpt2_assistant, "_MOST_BYTES", 0)
    assert model.why_no_assistant(is_wanted=False) == "the model is large"
    assert model.why_no_assistant(is_wanted=True) == ""
    by_torch = behind("torch", module, torch.float32)
    in_int8 = behind("native", module, torch.int8)
    for one, reason in ((by_torch, "needs the native kernel"), (in_int8, "itself is in int8")):
        assert reason in one.why_no_assistant(is_wanted=True)
        with pytest.raises(ValueError, match=reason):
            one.take_assistant(only_if_it_pays=False)


def test_it_takes_no_memory_that_is_not_there(monkeypatch):
    model = behind("native", tiny_gpt2(2), torch.float32)

    class Full:
        available = 10

    monkeypatch.setattr(gpt2_assistant.psutil, "virtual_memory", Full)
    assert "GB are free" in model.why_no_assistant(is_wanted=True)
