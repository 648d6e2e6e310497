"""Whether a preset could have written a text: one judge, shown logits that are written by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, decoders
from tokenizers.models import BPE, WordLevel

from core.looking_back.given_text.verdicts import judge_of, other_readings
from core.presets.book import Preset
from core.records.settings import DEFAULT_NEW_TOKENS, Settings
from core.records.steps import Candidate
from core.text.codec import TextCodec
from tests.core.looking_back.recorded import CODEC
from tests.reference import byte_codec

END = 0
MODEL = SimpleNamespace(eos_token_ids=(END,), vocabulary_size=256)
LOGITS = torch.log(torch.tensor([0.02, 0.5, 0.25, 0.125, 0.0625, 0.0425]))
"""Of six tokens: 1 is the likeliest, then 2, 3, 4, 5 and the end."""


def token(token_id):
    logprob = float(LOGITS[token_id])
    rank = 1 + int((logprob < LOGITS).sum())
    return Candidate(token_id, "", logprob, logprob, rank)


def judged(chosen, *token_ids, context=(1, 1), others=(), prompt_length=0):
    judge = judge_of(MODEL, CODEC, Preset("p", "", "", chosen), context, token_ids)
    for index, token_id in enumerate(token_ids):
        judge.see(index, LOGITS, token(token_id), others)
    return judge.verdict(prompt_length)


def sampling(**more):
    return Settings(do_sample=True, top_k=0, max_new_tokens=9).replace(**more)


class TestReachable:
    def test_what_is_left_costs_what_it_is_drawn_with(self):
        verdict = judged(sampling(), 1, 2, 5)
        assert (verdict.preset_name, verdict.is_reachable, verdict.forbidden) == ("p", True, None)
        assert verdict.bits == pytest.approx(-math.log2(0.5 * 0.25 * 0.0425), abs=1e-5)
        assert verdict.tokens == 3
        verdict = judged(sampling(top_k=2), 1, 2)
        assert verdict.bits == pytest.approx(-math.log2(2 / 3 * 1 / 3), abs=1e-5)

    def test_the_likeliest_costs_greedy_nothing(self):
        verdict = judged(Settings(max_new_tokens=9), 1, 1)
        assert (verdict.is_reachable, verdict.bits, verdict.tokens) == (True, 0.0, 2)

    def test_of_beams_no_more_is_known_than_that_they_had_not_ended(self):
        verdict = judged(Settings(num_beams=2, max_new_tokens=3), 5, 4, 3, others=(1,))
        assert (verdict.is_reachable, verdict.forbidden, verdict.tokens) == (None, None, 0)
        assert not verdict.other_tokens
        assert judged(Settings(num_beams=2, max_new_tokens=3), 5, 4, 3, 2).is_reachable is False


class TestForbidden:
    @pytest.mark.parametrize(
        ("chosen", "cut_by"),
        [
            (Settings(max_new_tokens=9), "do_sample"),
            (sampling(top_k=2), "top_k"),
            (sampling(top_p=0.6), "top_p"),
            (sampling(top_k=1, top_p=0.6), "top_k"),
        ],
    )
    def test_the_first_one_is_told_with_what_forbids_it_and_what_was_there_instead(
        self, chosen, cut_by
    ):
        verdict = judged(chosen, 1, 1, 4, 5)
        found = verdict.forbidden
        assert verdict.is_reachable is False
        assert (found.index, found.cut_by) == (2, cut_by)
        assert (found.token.token_id, found.token.rank) == (4, 4)
        assert (found.token.final_logprob, found.token.cut_by) == (None, cut_by)
        assert found.token.logprob == pytest.approx(math.log(0.0625))
        assert (found.instead.token_id, found.instead.rank) == (1, 1)
        assert found.instead.logprob == pytest.approx(math.log(0.5))
        assert verdict.tokens == 2, "what came before it"

    def test_what_would_have_been_picked_is_weighed_by_the_settings(self):
        chosen = Settings(max_new_tokens=9, repetition_penalty=4.0)
        found = judged(chosen, 1, context=(1, 2)).forbidden
        assert (found.instead.token_id, found.instead.rank) == (3, 3)
        weighed = LOGITS.clone()
        weighed[[1, 2]] *= 4.0
        final = torch.log_softmax(weighed, dim=-1)
        assert found.instead.final_logprob == pytest.approx(float(final[3]), abs=1e-5)
        assert found.instead.logprob == pytest.approx(math.log(0.125), abs=1e-5)

    def test_settings_read_the_text_up_to_the_token(self):
        chosen = sampling(no_repeat_ngram_size=2)
        verdict = judged(chosen, 2, 1, 3, 1, 3, context=(4,))
        assert (verdict.forbidden.index, verdict.forbidden.cut_by) == (4, "no_repeat_ngram_size")

    def test_its_place_counts_the_prompt(self):
        assert judged(sampling(top_k=1), 1, 4, prompt_length=7).forbidden.index == 8

    def test_what_was_seen_can_be_forgotten(self):
        judge = judge_of(MODEL, CODEC, Preset("p", "", "", sampling(top_k=1)), (1,), (1, 4))
        for index, one in enumerate((1, 4)):
            judge.see(index, LOGITS, token(one))
        judge.begin_anew()
        assert (judge.forbidden, judge.costs) == (None, [])
        judge.see(0, LOGITS, token(1))
        assert judge.verdict(0).is_reachable


class TestEnds:
    @pytest.mark.parametrize(
        ("settings", "name", "limit"),
        [
            ({"max_new_tokens": 3}, "max_new_tokens", 3),
            ({"max_length": 5}, "max_length", 3),
            ({"max_length": 1}, "max_length", 0),
            ({"max_new_tokens": 4, "max_length": 3}, "max_new_tokens", 4),
            ({}, "max_new_tokens", DEFAULT_NEW_TOKENS),
        ],
    )
    @pytest.mark.parametrize("beams", [1, 2])
    def test_a_limit_is_what_may_follow_the_context(self, settings, name, limit, beams):
        chosen = Settings(num_beams=beams, **settings)
        if limit:
            fits = judged(chosen, *[1] * limit)
            assert (fits.is_reachable, fits.stops_after) == (None if beams > 1 else True, None)
        exceeds = judged(chosen, *[1] * (limit + 1))
        assert (exceeds.forbidden.index, exceeds.forbidden.cut_by) == (limit, name)
        assert exceeds.stops_after == limit

    def test_nothing_follows_the_end_of_text_or_a_stop_string(self):
        assert judged(sampling(), 1, END, 2).forbidden.cut_by == "eos_token_id"
        assert judged(sampling(), 1, END).is_reachable
        first, second = CODEC.encode("a", is_beginning=True) * 2
        text = torch.zeros(256)
        judge = judge_of(
            MODEL,
            CODEC,
            Preset("p", "", "", sampling(stop_strings=("aa",))),
            (1,),
            (first, second, first),
        )
        for index in range(3):
            judge.see(index, text, Candidate(first, "a", -1.0, -1.0, 1))
        assert (judge.forbidden.index, judge.forbidden.cut_by) == (2, "stop_strings")

    def test_a_stop_string_goes_before_a_limit_that_is_reached_with_it(self):
        chosen = sampling(max_new_tokens=2)
        assert judged(chosen, 1, END, 2).forbidden.cut_by == "eos_token_id"


class TestOtherTokens:
    def test_are_told_of_where_a_token_is_forbidden_and_one_was_left(self):
        assert judged(sampling(top_k=2), 4, others=(2,)).other_tokens
        assert not judged(sampling(top_k=2), 4, others=(3, 5)).other_tokens
        assert not judged(sampling(top_k=2), 1, others=(2,)).other_tokens, "nothing is forbidden"
        assert judged(Settings(max_new_tokens=9), 4, others=(5, 1)).other_tokens
        assert not judged(Settings(max_new_tokens=9), 4, others=(2,)).other_tokens

    def test_not_where_a_limit_forbids_whatever_stands_there(self):
        chosen = sampling(max_new_tokens=1)
        assert not judged(chosen, 1, 1, others=(2,)).other_tokens

    def test_one_place_is_enough(self):
        judge = judge_of(MODEL, CODEC, Preset("p", "", "", sampling(top_k=2)), (1,), (1, 1, 4))
        assert judge.wants_others
        judge.see(0, LOGITS, token(1), (2,))
        assert not judge.wants_others
        judge.see(1, LOGITS, token(1))
        judge.see(2, LOGITS, token(4))
        assert judge.verdict(0).other_tokens

    def test_beams_and_what_is_forbidden_want_none(self):
        beams = Preset("p", "", "", Settings(num_beams=2))
        assert not judge_of(MODEL, CODEC, beams, (1,), (1,)).wants_others
        judge = judge_of(MODEL, CODEC, Preset("p", "", "", sampling(top_k=1)), (1,), (4,))
        judge.see(0, LOGITS, token(4))
        assert not judge.wants_others


class TestReadings:
    LONG = "ab" * 10

    def codec(self):
        letters = {"a": 0, "b": 1, "c": 2}
        merged = {"ab": 3, "abc": 4, "abab": 5, "abababab": 6, "ab" * 8: 7, self.LONG: 8}
        pairs = [("a", "b"), ("ab", "c"), ("ab", "ab"), ("abab", "abab"), ("ab" * 4, "ab" * 4)]
        pairs.append(("ab" * 8, "abab"))
        tokenizer = Tokenizer(BPE({**letters, **merged}, pairs))
        tokenizer.decoder = decoders.Fuse()
        return TextCodec(tokenizer)

    def readings(self, *token_ids, before=()):
        codec = self.codec()
        return other_readings(codec, codec.state_after(before), token_ids)

    def test_are_the_single_tokens_that_begin_the_text_but_the_one_that_stands_there(self):
        assert self.readings(0, 1, 2) == (3, 4)
        assert self.readings(3, 2) == (0, 4)
        assert self.readings(4) == (0, 3)
        assert self.readings(2) == ()

    def test_those_of_sixteen_characters_are_the_longest(self):
        assert self.readings(*[0, 1] * 8) == (3, 5, 6, 7)
        assert self.readings(*[0, 1] * 12) == (3, 5, 6, 7)
        assert self.readings(8, before=(0,)) == (0, 3, 5, 6, 7)

    def test_within_a_character_there_are_none(self):
        codec = byte_codec()
        first, *rest = codec.encode("世", is_beginning=True)
        assert other_readings(codec, codec.state_after((first,)), tuple(rest)) == ()

    def test_what_has_no_token_for_a_part_has_one_for_the_next(self):
        tokenizer = Tokenizer(WordLevel({"ab": 0, "abcd": 1}))
        tokenizer.decoder = decoders.Fuse()
        codec = TextCodec(tokenizer)
        assert other_readings(codec, codec.state_after(()), (1,)) == (0,)
