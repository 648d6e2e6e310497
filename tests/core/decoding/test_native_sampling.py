"""The kernel's nucleus and draw: the bits of transformers and torch, or no answer."""

from __future__ import annotations

import math
import sys
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import TopPLogitsWarper

from core.decoding.weighing import native_sampling
from core.decoding.weighing.figures import row_figures
from core.decoding.weighing.native_sampling import cut_nucleus, draw_natively
from core.decoding.weighing.step import choose_sample, weigh
from core.models.gpt2.kernel.build import native_library
from core.records.settings import Settings
from tests.core.decoding.both_ways import weigh_both_ways

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

seeds = st.integers(0, 2**31)
sizes = st.sampled_from([1, 2, 15, 16, 17, 255, 400, 2048])
sharpness = st.sampled_from([0.01, 0.5, 1.0, 3.0, 8.0, 40.0])
shares = st.sampled_from([0.0, 0.001, 0.1, 0.5, 0.8, 0.9, 0.95, 0.999])


def random_scores(seed, size, scale, rows=1, *, removed=0.0, ties=False):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, size, generator=generator) * scale
    if ties:
        scores = scores.round()
    scores[:, torch.randperm(size, generator=generator)[: int(removed * size)]] = -math.inf
    return scores


@settings(max_examples=500)
@given(
    seeds,
    sizes,
    sharpness,
    shares,
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 0.99]),
    st.booleans(),
)
def test_a_nucleus_is_that_of_transformers(seed, size, scale, share, rows, keep, removed, ties):
    scores = random_scores(seed, size, scale, rows, removed=removed, ties=ties)
    before = scores.clone()
    cut = cut_nucleus(scores, row_figures(scores, 1), share, keep)
    assert torch.equal(scores, before)
    if cut is None:
        return
    expected = TopPLogitsWarper(share, min_tokens_to_keep=keep)(None, scores)
    assert torch.equal(cut.scores, expected)
    assert list(cut.figures) == row_figures(expected, 1)
    for row, least in zip(expected, cut.least, strict=True):
        assert least == float(row[row > -math.inf].min())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_most_nuclei_are_found(share, scale):
    scores = random_scores(1, 5000, scale, 100)
    found = [cut_nucleus(row[None], row_figures(row[None], 1), share, 1) for row in scores]
    assert sum(one is not None for one in found) >= 80


def test_what_lies_on_the_edge_is_left_to_transformers():
    """Four tokens of a quarter: rounding alone says whether two or three hold a half."""
    scores = torch.tensor([[0.25, 0.25, 0.25, 0.25]]).log() + torch.tensor([0, 1e-7, 2e-7, 3e-7])
    assert cut_nucleus(scores, row_figures(scores, 1), 0.5, 1) is None
    assert cut_nucleus(scores, row_figures(scores, 1), 0.4, 1) is not None


def test_equal_scores_on_the_edge_are_left_to_transformers():
    scores = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    assert cut_nucleus(scores, row_figures(scores, 1), 0.6, 1) is None


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_are_no_scores_is_left_to_torch(wrong):
    scores = random_scores(0, 100, 1.0)
    scores[0, 50] = wrong
    figures = row_figures(scores, 1)
    assert cut_nucleus(scores, figures, 0.9, 1) is None
    if wrong == math.inf:
        assert draw_natively(scores, figures[0], torch.Generator().manual_seed(0)) is None


@settings(max_examples=300)
@given(
    seeds,
    st.lists(st.tuples(sizes, sharpness, st.sampled_from([0.0, 0.9])), min_size=1, max_size=6),
    st.integers(0, 700),
)
def test_a_draw_is_that_of_multinomial(seed, rows, before):
    """One after the other from one generator, wherever in its words it stands."""
    ours, theirs = (torch.Generator().manual_seed(seed) for _ in range(2))
    for generator in (ours, theirs):
        torch.randint(5, (before,), generator=generator)
    for size, scale, removed in rows:
        scores = random_scores(seed, size, scale, removed=removed)
        figures = row_figures(scores, 1)[0]
        state = ours.get_state()
        token_id = draw_natively(scores, figures, ours)
        expected = int(torch.multinomial(scores.softmax(dim=-1), 1, generator=theirs))
        if token_id is None:
            assert torch.equal(ours.get_state(), state)
            ours.set_state(theirs.get_state())
        else:
            assert token_id == expected
            assert torch.equal(ours.get_state(), theirs.get_state())


def test_a_draw_at_a_large_vocabulary():
    ours, theirs = (torch.Generator().manual_seed(5) for _ in range(2))
    for seed in range(20):
        scores = random_scores(seed, 50_257, 3.0, removed=0.9 * (seed % 2))
        expected = int(torch.multinomial(scores.softmax(dim=-1), 1, generator=theirs))
        assert draw_natively(scores, row_figures(scores, 1)[0], ours) == expected
    assert torch.equal(ours.get_state(), theirs.get_state())


def close_race():
    """Scores under which two tokens arrive together, as far as float32 tells."""
    times = torch.empty(1, 50).exponential_(generator=torch.Generator().manual_seed(9))
    scores = torch.full((1, 50), -math.inf)
    scores[0, [3, 30]] = times[0, [3, 30]].log()
    return scores


def test_two_that_arrive_together_are_left_to_torch():
    scores = close_race()
    ours, theirs = (torch.Generator().manual_seed(9) for _ in range(2))
    weighed = weigh(scores, torch.zeros((1, 0)), [], str, beams=False)
    assert draw_natively(scores, weighed.final[0], ours) is None
    expected = int(torch.multinomial(scores.softmax(dim=-1), 1, generator=theirs))
    assert choose_sample(weighed, ours) == expected
    assert torch.equal(ours.get_state(), theirs.get_state())


def test_a_generator_of_another_kind_is_left_to_torch(monkeypatch):
    monkeypatch.setattr(native_sampling, "_knows_the_generator", lambda: False)
    scores = random_scores(0, 400, 1.0)
    assert draw_natively(scores, row_figures(scores, 1)[0], torch.Generator()) is None


@settings(max_examples=200)
@given(seeds, st.integers(5, 400), sharpness, shares, st.booleans())
def test_the_record_of_a_nucleus_is_the_same_either_way(seed, size, scale, share, ties):
    """From the figures of the row, and by applying processors one after the other."""
    logits = random_scores(seed, size, scale, ties=ties)
    chosen = Settings(do_sample=True, top_k=0, top_p=share)
    token_ids = torch.zeros((1, 3), dtype=torch.int64)
    ours, theirs = weigh_both_ways(logits, chosen, 3, (), token_ids)
    assert torch.equal(ours.scores, theirs.scores)
    assert ours.distributions == theirs.distributions
    assert list(ours.final) == list(theirs.final)


def test_figures_of_several_threads_at_once():
    """A page may explain a step while a run goes on; neither may read the other's figures."""
    rows = torch.randn(2, 1, 256, generator=torch.Generator().manual_seed(0))
    expected = row_figures(rows[0], 200)
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            row_figures(rows[1], 200)

    others = [threading.Thread(target=look) for _ in range(3)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for one in others:
            one.start()
        assert all(row_figures(rows[0], 200) == expected for _ in range(1000))
    finally:
        is_over.set()
        for one in others:
            one.join()
        sys.setswitchinterval(before)
