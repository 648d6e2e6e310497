"""Nucleus, typical and the draw without a sort: the same bits as transformers and torch."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    MinNewTokensLengthLogitsProcessor,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from core.decoding.weighing import native_sampling
from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.quick_warpers import QuickMinNewTokens, QuickTopP, QuickTypical
from core.decoding.weighing.step import choose_sample, draw, weigh
from core.records.settings import Settings
from tests.core.decoding.both_ways import weigh_both_ways

seeds = st.integers(0, 2**31)
sharpness = st.sampled_from([0.01, 0.5, 1.0, 3.0, 8.0])
shares = st.sampled_from([0.001, 0.1, 0.5, 0.8, 0.9, 0.95, 0.999])
VOCABULARY = 400


def random_scores(seed, scale, rows=1, *, cut=0, ties=False):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, VOCABULARY, generator=generator) * scale
    if ties:
        scores = scores.round()
    if cut:
        scores[:, torch.randperm(VOCABULARY, generator=generator)[:cut]] = -torch.inf
    return scores


def never(*_):
    raise AssertionError("it sorted")


@contextmanager
def kernel(*, is_there):
    """Ours as it is, or as it is where nothing can be compiled."""
    with pytest.MonkeyPatch.context() as patch:
        if not is_there:
            patch.setattr(native_sampling, "open_library", lambda **_: None)
        yield


@settings(max_examples=300)
@given(
    seeds,
    sharpness,
    shares,
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from([0, 200, 390]),
    st.booleans(),
    st.booleans(),
)
def test_top_p(seed, scale, share, rows, keep, cut, ties, is_native):
    scores = random_scores(seed, scale, rows, cut=cut, ties=ties)
    expected = TopPLogitsWarper(share, min_tokens_to_keep=keep)(None, scores)
    with kernel(is_there=is_native):
        assert torch.equal(QuickTopP(share, keep, most=20)(None, scores), expected)


ends_of_text = st.lists(st.integers(-1, VOCABULARY + 2), min_size=1, max_size=4)


@settings(max_examples=200)
@given(seeds, ends_of_text, st.integers(1, 5), st.integers(0, 6), st.sampled_from([0, 390]))
def test_min_new_tokens(seed, ends, rows, length, cut):
    scores = random_scores(seed, 3.0, rows, cut=cut)
    before = scores.clone()
    token_ids = torch.zeros((rows, 2 + length), dtype=torch.int64)
    expected = MinNewTokensLengthLogitsProcessor(2, 4, ends)(token_ids, scores)
    ours = QuickMinNewTokens(6, ends, scores.device)(token_ids, scores)
    assert torch.equal(ours, expected)
    assert torch.equal(scores, before)


@settings(max_examples=200)
@given(seeds, ends_of_text, st.integers(0, 6), st.sampled_from([0, 390, 398]), st.booleans())
def test_a_least_length_by_figures(seed, ends, length, cut, is_likely):
    """The short way gives the very records of the long one."""
    scores = random_scores(seed, 3.0, cut=cut)
    if is_likely:
        ends = [*ends, int(scores.argmax())]
    chosen = Settings(min_new_tokens=4, max_new_tokens=9)
    token_ids = torch.zeros((1, 2 + length), dtype=torch.int64)
    short, long = weigh_both_ways(scores, chosen, 2, ends, token_ids)
    assert torch.equal(short.scores, long.scores)
    assert short.final == long.final
    assert short.distributions == long.distributions


@settings(max_examples=300)
@given(seeds, sharpness, shares, st.integers(1, 5), st.sampled_from([0, 200, 390]), st.booleans())
def test_typical(seed, scale, share, rows, cut, ties):
    scores = random_scores(seed, scale, rows, cut=cut, ties=ties)
    expected = TypicalLogitsWarper(share)(None, scores)
    assert torch.equal(QuickTypical(share, most=20)(None, scores), expected)


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("quick", [QuickTopP, QuickTypical])
def test_what_is_clear_needs_no_sort(quick, monkeypatch, is_native):
    warper = quick(0.8, most=20)
    monkeypatch.setattr(warper, "_sorted", never)
    with kernel(is_there=is_native):
        left = warper(None, random_scores(1, 8.0))
    assert 0 < int((left > -torch.inf).sum()) < 20


@pytest.mark.parametrize("quick", [QuickTopP, QuickTypical])
def test_what_is_not_clear_is_sorted(quick, monkeypatch):
    warper = quick(0.8, most=20)
    monkeypatch.setattr(warper, "_sorted", never)
    with pytest.raises(AssertionError, match="it sorted"):
        warper(None, torch.zeros(1, VOCABULARY))


@settings(max_examples=100)
@given(seeds, sharpness, st.sampled_from([0, 10, 390]), st.booleans())
def test_draws_are_those_of_multinomial(seed, scale, cut, is_native):
    scores = random_scores(seed, scale, cut=cut)
    ours, theirs = (torch.Generator().manual_seed(seed) for _ in range(2))
    weighed = weigh(scores, torch.zeros((1, 0)), [], str, beams=False)
    probabilities = torch.softmax(scores, dim=-1)
    for _ in range(3):
        expected = int(torch.multinomial(probabilities, 1, generator=theirs))
        with kernel(is_there=is_native):
            assert choose_sample(weighed, ours) == expected
    assert torch.equal(ours.get_state(), theirs.get_state())


def test_a_gpu_sorts_and_is_not_waited_for():
    chosen = Settings(do_sample=True, top_k=0, top_p=0.9, typical_p=0.9)
    found = {
        device: [type(one.process) for one in build_processors(chosen, 3, (), torch.device(device))]
        for device in ("cpu", "cuda")
    }
    assert found["cpu"] == [QuickTopP, QuickTypical]
    assert found["cuda"] == [TopPLogitsWarper, TypicalLogitsWarper]


def test_the_draw_of_a_gpu_is_the_one_of_multinomial():
    torch.manual_seed(0)
    scores = 4 * torch.randn(1, 5000)
    ours, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    for _ in range(50):
        expected = torch.multinomial(scores.softmax(-1), num_samples=1, generator=theirs)
        assert torch.equal(draw(scores, ours), expected[0])
    assert torch.equal(ours.get_state(), theirs.get_state())
