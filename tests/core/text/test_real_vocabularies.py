"""Quick warpers and figures over vocabularies of real size, where a sort is seldom needed."""

from __future__ import annotations

import pytest
import torch
from transformers.generation.logits_process import TopPLogitsWarper, TypicalLogitsWarper

from core.decoding.weighing.figures import figures_of, figures_tensor, row_figures
from core.decoding.weighing.quick_warpers import QuickTopP, QuickTypical
from core.decoding.weighing.step import choose_greedy, chosen_candidate, weigh
from tests.core.decoding.test_quick_warpers import kernel

SIZES = (49_152, 50_257)
SHARES = (0.001, 0.3, 0.6, 0.9, 0.95, 0.999)


def rows(size, seed, spread=3.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, size, generator=generator) * spread - 30


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("keep", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_warpers_as_transformers(size, keep, is_native):
    """With one end of text or several, beams keep more than one token whatever the share is."""
    sorted_anyway = 0
    for seed, spread in enumerate((1.0, 3.0, 6.0)):
        scores = rows(size, seed, spread)
        for share in SHARES:
            nucleus = TopPLogitsWarper(share, min_tokens_to_keep=keep)(None, scores)
            typical = TypicalLogitsWarper(share, min_tokens_to_keep=keep)(None, scores)
            with kernel(is_there=is_native):
                assert torch.equal(QuickTopP(share, keep)(None, scores), nucleus)
            assert torch.equal(QuickTypical(share, keep)(None, scores), typical)
            sorted_anyway += int((nucleus > -torch.inf).sum()) > 2048
    assert 0 < sorted_anyway < 3 * len(SHARES)  # both ways were gone


@pytest.mark.parametrize("size", SIZES)
def test_a_nucleus_whose_edge_is_within_the_margin(size):
    """Shares that are a running sum of the very probabilities, or beside one by a rounding."""
    scores = rows(size, 5)[:1]
    sums = scores[0].softmax(-1).sort(descending=True).values.cumsum(0)
    for place in (0, 1, 9, 100, 900):
        for beside in (-1e-6, -1e-8, 0.0, 1e-8, 1e-6):
            share = min(max(float(sums[place]) + beside, 0.0), 1.0)
            expected = TopPLogitsWarper(share)(None, scores)
            assert torch.equal(QuickTopP(share)(None, scores), expected), (place, beside)


@pytest.mark.parametrize("size", SIZES)
def test_equals_come_in_the_order_of_their_ids(size):
    """As argmax has them, by the kernel and by torch; a rank counts those that are greater."""
    scores = rows(size, 6)[:1].round()
    tied = torch.tensor([7, 300, 4000, size - 1])
    scores[0, tied] = scores.max() + 1
    (native,) = row_figures(scores, 5)
    by_torch = figures_of(figures_tensor(scores, 5)[0].tolist())
    assert native.token_ids[:4] == by_torch.token_ids[:4] == tuple(tied.tolist())
    assert native.kept == by_torch.kept == size
    assert native.logsumexp == pytest.approx(by_torch.logsumexp)
    weighed = weigh(scores, torch.zeros((1, 0)), [], str, beams=False)
    assert choose_greedy(weighed) == int(scores.argmax()) == 7
    ordinary = int((scores[0] == scores[0].median()).nonzero()[3])
    rank = chosen_candidate(weighed, 0, ordinary, str).rank
    assert rank == 1 + int((scores[0] > scores[0, ordinary]).sum())
