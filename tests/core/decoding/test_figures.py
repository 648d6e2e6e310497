"""Figures of rows of scores: by the kernel and by torch, of any shape, and what is made of them."""

from __future__ import annotations

import math

import pytest
import torch

from core.decoding.weighing import figures
from core.decoding.weighing.figures import (
    RowFigures,
    figures_of,
    figures_tensor,
    kept_count,
    row_figures,
)
from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import (
    check_drawable,
    check_logits,
    choose_greedy,
    chosen_candidate,
    final_logprob,
    unshown_candidate,
    weigh,
)
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import Candidate

CPU = torch.device("cpu")


@pytest.fixture(params=["kernel", "torch"])
def way(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(figures, "_native", lambda rows, count: None)
    return request.param


def random_scores(rows, size, seed=0):
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)) * 3


def check(found, scores, count):
    """``found`` is what float64 makes of ``scores``."""
    assert len(found) == len(scores)
    for one, row in zip(found, scores, strict=True):
        exact = row.double()
        order = exact.sort(descending=True, stable=True).indices[:count].tolist()
        assert list(one.token_ids) == order
        assert list(one.values) == row[order].tolist()
        probabilities = exact.softmax(-1)
        assert one.logsumexp == pytest.approx(float(exact.logsumexp(-1)), abs=1e-5)
        entropy = float(torch.special.entr(probabilities).sum())
        assert one.entropy == pytest.approx(entropy, abs=1e-5)
        assert one.kept == int((row > -math.inf).sum())


@pytest.mark.usefixtures("way")
class TestRows:
    @pytest.mark.parametrize("rows", [1, 2, 5])
    @pytest.mark.parametrize("count", [1, 5, 24])
    @pytest.mark.parametrize("size", [24, 1000])
    def test_are_those_of_each_row(self, rows, count, size):
        scores = random_scores(rows, size)
        check(row_figures(scores, count), scores, count)

    @pytest.mark.parametrize("size", [49_152, 50_257])
    def test_at_real_sizes(self, size):
        scores = random_scores(3, size)
        check(row_figures(scores, 5), scores, 5)

    def test_name_no_more_tokens_than_there_are(self):
        scores = random_scores(2, 3)
        check(row_figures(scores, 9), scores, 3)

    def test_count_what_was_removed_as_gone(self):
        scores = random_scores(2, 100)
        scores[0, 10:] = -math.inf
        scores[1, ::2] = -math.inf
        check(row_figures(scores, 5), scores, 5)

    def test_of_equals_the_first_come_first(self):
        scores = torch.tensor([[1.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0]])
        check(row_figures(scores, 6), scores, 6)

    @pytest.mark.parametrize("count", [1, 5])
    @pytest.mark.parametrize("size", [300, 2000, 50_257])
    def test_where_more_are_equal_than_are_named_the_first_of_all_leads(self, count, size):
        """As argmax has it, which is what ``generate()`` chooses by."""
        for seed in range(20):
            chance = torch.Generator().manual_seed(seed)
            scores = random_scores(2, size, seed)
            scores[:, torch.randperm(size, generator=chance)[:40]] = 50.0
            found = row_figures(scores, count)
            assert [one.token_ids[0] for one in found] == scores.argmax(-1).tolist()
            assert all(set(one.values) == {50.0} for one in found)
            assert all(len(set(one.token_ids)) == count for one in found)
            processors = build_processors(Settings(repetition_penalty=1.5), 2, (), CPU)
            first = int(scores[0].argmax())
            weighed = weigh(scores[:1], torch.tensor([[first]]), processors, str, beams=False)
            assert choose_greedy(weighed) == int(weighed.scores[0].argmax()) != first

    def test_rows_may_lie_apart_and_in_any_order_in_memory(self):
        wide = random_scores(4, 200)
        for scores in (wide[::2], wide[:, :100], wide[:, ::2], wide.T.contiguous().T):
            before = scores.clone()
            check(row_figures(scores, 5), scores, 5)
            assert torch.equal(scores, before)

    def test_other_dtypes_are_taken_too(self):
        scores = random_scores(2, 50).double()
        check(row_figures(scores, 5), scores.float(), 5)

    @pytest.mark.parametrize("wrong", [math.nan, math.inf])
    def test_what_are_no_numbers_is_told_by_the_normaliser(self, wrong):
        scores = random_scores(2, 50)
        scores[1, 7] = wrong
        good, bad = row_figures(scores, 5)
        assert math.isfinite(good.logsumexp)
        assert not math.isfinite(bad.logsumexp)
        check_logits(good)
        check_drawable(good)
        with pytest.raises(PlaygroundError, match="not all numbers"):
            check_logits(bad)
        with pytest.raises(PlaygroundError, match="no probabilities to draw from"):
            check_drawable(bad)


def test_the_tensor_of_them_reads_back_as_they_are():
    scores = random_scores(3, 50)
    rows = figures_tensor(scores, 5)
    assert (rows.shape, rows.dtype) == ((3, 18), torch.float32)
    found = [figures_of(row) for row in rows.tolist()]
    check(found, scores, 5)
    logprobs = torch.log_softmax(scores, dim=-1)
    for one, row in zip(found, logprobs, strict=True):
        assert list(one.logprobs) == row[list(one.token_ids)].tolist(), "to the bit"


def test_what_is_kept_is_counted_row_by_row():
    scores = torch.tensor([[1.0, -math.inf, 0.0], [-math.inf, -math.inf, 5.0]])
    assert kept_count(scores).tolist() == [[2], [1]]
    assert kept_count(scores).dtype == torch.int64


class TestWhatIsMadeOfThem:
    @pytest.mark.usefixtures("way")
    @pytest.mark.parametrize("beams", [False, True])
    @pytest.mark.parametrize("ranked", [1, 7])
    @pytest.mark.parametrize("settings", [{}, {"repetition_penalty": 1.7, "min_new_tokens": 3}])
    def test_a_record_of_each_row(self, beams, ranked, settings):
        logits = random_scores(3, 300)
        processors = build_processors(Settings(**settings), 2, (9,), CPU)
        token_ids = torch.tensor([[1, 2], [3, 4], [5, 6]])
        weighed = weigh(logits, token_ids, processors, str, beams=beams, ranked=ranked)
        begun = torch.log_softmax(logits, dim=-1) if beams else logits
        scores = begun
        for one in processors:
            scores = one.process(token_ids, scores)
        assert torch.equal(weighed.scores, scores if processors else logits)
        logprobs = scores if beams and processors else torch.log_softmax(weighed.scores, dim=-1)
        assert torch.equal(weighed.logprobs(), logprobs)
        own = torch.log_softmax(logits, dim=-1)
        for row, shown in enumerate(weighed.distributions):
            order = logits[row].sort(descending=True).indices[:5].tolist()
            assert [one.token_id for one in shown.candidates] == order
            assert [one.rank for one in shown.candidates] == [1, 2, 3, 4, 5]
            assert [one.text for one in shown.candidates] == [str(one) for one in order]
            for one in shown.candidates:
                assert one.logprob == pytest.approx(float(own[row, one.token_id]), abs=1e-5)
                final = float(logprobs[row, one.token_id])
                assert one.final_logprob == pytest.approx(final, abs=1e-5)
                assert weighed.final_logprob(row, one.token_id) == one.final_logprob
                assert weighed.logprob(row, one.token_id) == one.logprob
            entropy = float(torch.special.entr(own[row].exp()).sum()) / math.log(2)
            assert shown.entropy == pytest.approx(entropy, abs=1e-4)
            assert shown.kept == int((scores[row] > -math.inf).sum())
        likeliest = weighed.likeliest()
        assert likeliest.shape[1] >= ranked
        for row, values in enumerate(likeliest):
            expected = logprobs[row].sort(descending=True).values[: len(values)]
            torch.testing.assert_close(values, expected, atol=1e-5, rtol=0)

    @pytest.mark.usefixtures("way")
    def test_what_a_setting_removes_has_no_final_probability(self):
        logits = random_scores(1, 300)
        processors = build_processors(Settings(do_sample=True, top_k=2), 2, (), CPU)
        weighed = weigh(logits, torch.zeros((1, 2)).long(), processors, str, beams=False)
        shown = weighed.distributions[0].candidates
        assert [one.cut_by for one in shown] == [None, None, "top_k", "top_k", "top_k"]
        assert [one.final_logprob is None for one in shown] == [False, False, True, True, True]
        assert sum(one.final_probability for one in shown) == pytest.approx(1.0)
        assert weighed.final_logprob(0, shown[4].token_id) is None

    def test_a_token_that_is_shown_is_that_record_and_another_has_its_rank(self):
        logits = random_scores(2, 300)
        weighed = weigh(logits, torch.zeros((2, 0)), [], str, beams=False)
        order = logits[1].sort(descending=True).indices.tolist()
        for rank in (1, 5):
            shown = weighed.distributions[1].candidates[rank - 1]
            assert chosen_candidate(weighed, 1, order[rank - 1], str) is shown
        for rank in (6, 7, 300):
            one = chosen_candidate(weighed, 1, order[rank - 1], str)
            assert (one.token_id, one.text, one.rank) == (
                order[rank - 1],
                str(order[rank - 1]),
                rank,
            )
            own = float(torch.log_softmax(logits[1], dim=-1)[order[rank - 1]])
            assert one.logprob == pytest.approx(own, abs=1e-5)
            assert one.final_logprob == pytest.approx(own, abs=1e-5)

    def test_a_rank_counts_those_that_are_likelier(self):
        one = unshown_candidate(7, "x", logprob=-1.0, final_logprob=None, likelier=40)
        assert one == Candidate(7, "x", -1.0, None, 41)

    def test_what_a_processed_score_means(self):
        row = RowFigures((1,), (2.0,), 3.0, 0.5, 9)
        assert final_logprob(row, 2.0, is_normalised=False) == -1.0
        assert final_logprob(row, -2.0, is_normalised=True) == -2.0
        assert final_logprob(row, -math.inf, is_normalised=False) is None
        assert final_logprob(row, -math.inf, is_normalised=True) is None
