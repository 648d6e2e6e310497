"""A model that goes on by itself: greedy runs become quicker, and not one bit of them changes."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decoding.engine import generate
from core.models.base import RunsOn
from core.models.gpt2 import model as gpt2
from core.models.gpt2.kernel.build import native_library
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from tests.core.decoding.test_parity import penalties
from tests.core.looking_back.recorded import CODEC, CONTEXT, Without, whole_run
from tests.reference import behind, tiny_gpt2

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

seeds = st.integers(0, 2**31)
ends = st.sampled_from([0, [0, 5], None])


def native(module, dtype=torch.float32):
    model = behind("native", module, dtype)
    assert model.most_run_on > 1
    return model


def step_by_step(model):
    return Without(model, "most_run_on")


def counted(model):
    """Returns a list of how far the model was let run on, each time."""
    counts = []
    run_on = model.run_on

    def counting(token_id, count):
        counts.append(count)
        return run_on(token_id, count)

    model.run_on = counting
    return counts


def both_ways(module, chosen, dtype=torch.float32, **how):
    ours, plain = native(module, dtype), step_by_step(native(module, dtype))
    told = whole_run(ours, chosen, **how)
    assert told == whole_run(plain, chosen, **how)
    # The cache says what the rows say: the next run that goes on from them is the same too.
    going_on = (*told[2][0], 5)
    again = Settings(max_new_tokens=3)
    assert whole_run(ours, again, context=going_on) == whole_run(plain, again, context=going_on)
    return told


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8], ids=str)
@settings(max_examples=60)
@given(
    seeds, ends, st.fixed_dictionaries({"max_new_tokens": st.integers(8, 40)}, optional=penalties)
)
def test_greedy(dtype, seed, eos, mapping):
    both_ways(tiny_gpt2(seed, eos_token_id=eos), Settings(**mapping), dtype)


@settings(max_examples=40)
@given(seeds, st.integers(0, 21))
def test_cancelled(seed, after):
    module = tiny_gpt2(seed, eos_token_id=None)
    told = both_ways(module, Settings(max_new_tokens=20), cancel_after=after)
    assert told[0][-1][0] == ("cancelled" if after < 20 else "length")


@settings(max_examples=40)
@given(seeds, st.integers(0, 30))
def test_it_goes_on_as_decode_would(seed, count):
    ours, plain = (native(tiny_gpt2(seed, eos_token_id=None)) for _ in range(2))
    first = plain.prefill(CONTEXT).argmax().item()
    ours.prefill(CONTEXT)
    logits, chosen = ours.run_on(first, count)
    assert (logits.shape, len(chosen)) == ((count + 1, 24), count)
    for row, token_id in zip(logits, (first, *chosen), strict=True):
        assert torch.equal(row, plain.decode([token_id])[0])
    assert chosen == logits[:-1].argmax(dim=-1).tolist()
    assert ours.rows == plain.rows == [[*CONTEXT, first, *chosen]]


def test_of_equal_scores_it_takes_the_first():
    """All are equal but those of the first tokens; the vocabulary does not fill its last vector."""
    module = tiny_gpt2(1, vocab_size=131, eos_token_id=None)
    with torch.no_grad():
        module.transformer.wte.weight[:3] = 0.0
        module.transformer.wte.weight[3:] = module.transformer.wte.weight[3]
    model = native(module)
    model.prefill(CONTEXT)
    logits, chosen = model.run_on(5, 30)
    assert chosen == logits[:-1].argmax(dim=-1).tolist()
    assert set(chosen) <= {0, 3}


def test_it_runs_further_from_time_to_time():
    model = native(tiny_gpt2(3, n_positions=600, eos_token_id=None))
    counts = counted(model)
    whole_run(model, Settings(max_new_tokens=550))
    assert counts[:4] == [0, 1, 2, 3]
    assert max(counts) == model.most_run_on
    assert sum(counts) + len(counts) == 549
    assert counts.count(model.most_run_on) > 4


def test_a_larger_model_runs_on_less_far(monkeypatch):
    model = native(tiny_gpt2(3))
    furthest = model.most_run_on
    monkeypatch.setattr(gpt2, "_RUN_ON_BYTES", 10 * model._native.step_bytes)
    assert model.most_run_on == 10 < furthest


def test_where_another_token_is_chosen_each_time_it_does_not_run_on():
    model = native(tiny_gpt2(3, n_positions=200, eos_token_id=None))
    counts = counted(model)
    # With so great a penalty no token comes twice, until all have come.
    told = whole_run(model, Settings(max_new_tokens=20, repetition_penalty=1e4))[0]
    is_likeliest = [step[1].rank == 1 for step in told[1:-1]]
    assert not all(is_likeliest)
    assert sum(counts) < 20


def test_it_runs_on_behind_no_end():
    model = native(tiny_gpt2(3, n_positions=12, eos_token_id=None))
    counts = counted(model)
    events, _, rows, length = whole_run(model, Settings(max_new_tokens=100))
    assert events[-1][0] == "context_full"
    assert (len(rows[0]), length) == (11, 11)
    assert sum(counts) + len(counts) == 8
    counts.clear()
    whole_run(model, Settings(max_new_tokens=1))
    assert counts == []


def test_what_is_left_in_the_middle_leaves_nothing_behind():
    model = native(tiny_gpt2(3, n_positions=100, eos_token_id=None))
    events = generate(model, CODEC, Request("", Settings(max_new_tokens=90), CONTEXT), bool)
    assert len(list(islice(events, 10))) == 10
    assert len(model.rows[0]) > len(CONTEXT) + 8
    events.close()
    assert model._cache.length == len(model.rows[0]) == len(CONTEXT) + 8


def test_logits_that_are_no_numbers_are_told_as_such():
    module = tiny_gpt2(3, eos_token_id=None)
    with torch.no_grad():
        module.transformer.wpe.weight[len(CONTEXT) + 6] = torch.nan
    model = native(module)
    with pytest.raises(PlaygroundError, match="not all numbers"):
        whole_run(model, Settings(max_new_tokens=20))
    assert len(model.rows[0]) < len(CONTEXT) + 10


def test_sampling_and_beams_have_no_use_for_it():
    model = native(tiny_gpt2(3, eos_token_id=None))
    counts = counted(model)
    for chosen in (Settings(do_sample=True), Settings(num_beams=3)):
        whole_run(model, chosen.replace(max_new_tokens=9))
    assert counts == []


def test_only_a_small_model_of_the_kernel_does_so(monkeypatch):
    module = tiny_gpt2(3)
    by_torch = behind("torch", module, torch.float32)
    assert isinstance(by_torch, RunsOn)
    assert by_torch.most_run_on == 0
    with pytest.raises(ValueError, match="does not run on"):
        by_torch.run_on(1, 1)
    monkeypatch.setattr("core.models.gpt2.kernel.steps._SHORT_STEP_BYTES", 0)
    assert behind("native", module, torch.float32).most_run_on == 0


def test_it_refuses_what_does_not_fit():
    model = native(tiny_gpt2(3, n_positions=12))
    model.prefill(CONTEXT)
    for token_id, count in ((24, 1), (-1, 1), (1, 9)):
        with pytest.raises(ValueError, match="token"):
            model.run_on(token_id, count)
    assert model.rows == [list(CONTEXT)]
    assert len(model.run_on(1, 8)[1]) == 8
