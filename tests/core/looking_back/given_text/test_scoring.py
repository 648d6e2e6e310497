"""Scoring a given text: against transformers' logits, by hand, and against what presets write."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.looking_back.given_text.scoring import score_text, score_tokens
from core.models.any.model import TransformersModel
from core.models.loading import load_model
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.scores import perplexity, perplexity_of_steps
from core.records.settings import Settings
from tests.core.decoding.test_parity import penalties, prompts, seeds, warpers
from tests.reference import byte_codec, first_step, run_ours, tiny_gpt2

PROMPT = "A long long time ago, "


def preset(name="one", **settings):
    return Preset(name, "", "", Settings(**settings))


class StepByStep:
    """A model that offers nothing but the contract."""

    def __init__(self, model):
        self._model = model

    def __getattr__(self, name):
        if name == "all_logits":
            raise AttributeError(name)
        return getattr(self._model, name)


def test_every_token_as_transformers_scores_it(demo, demo_module):
    text = "there was a cat who lived in a naïve 世界. " * 6
    scored = score_text(demo.model, demo.codec, text)
    assert "".join(one.text for one in scored.tokens) == text
    document = torch.tensor([scored.context_token_ids + scored.token_ids])
    with torch.inference_mode():
        output = demo_module(document, labels=document)
    logprobs = output.logits[0].double().log_softmax(-1)
    assert len(scored.tokens) == len(scored.token_ids) > 64
    for at, one in enumerate(scored.tokens):
        assert one.token.token_id == scored.token_ids[at]
        row = logprobs[at]
        assert one.token.logprob == pytest.approx(float(row[one.token.token_id]), abs=1e-4)
        rank = 1 + int((row > row[one.token.token_id]).sum())
        assert one.token.rank == pytest.approx(rank, abs=1)  # two rows of rounded logits
        assert [each.token_id for each in one.likeliest] == row.topk(5).indices.tolist()
        assert one.entropy == pytest.approx(-float((row.exp() * row).sum()) / math.log(2), abs=1e-3)
    # transformers' loss is the mean of the same surprisals, in nats.
    assert scored.perplexity == pytest.approx(math.exp(float(output.loss)), rel=1e-4)


def test_scoring_leaves_the_cache_alone(demo):
    settings = Settings(max_new_tokens=12, do_sample=True, top_k=0, seed=2)
    first = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    document = first.started.context_token_ids + first.finished.token_ids
    before = [list(row) for row in demo.model.rows]
    score_text(demo.model, demo.codec, "Something else altogether. " * 20)
    assert [list(row) for row in demo.model.rows] == before
    again = run_ours(demo.model, demo.codec, settings, prompt="\nThen", context=document)
    model = load_model("demo", "cpu", "float32", lambda stage, share=None: None).model
    run_ours(model, demo.codec, settings, prompt=PROMPT)
    plain = run_ours(model, demo.codec, settings, prompt="\nThen", context=document)
    assert again.steps[0].distribution == plain.steps[0].distribution
    assert again.finished.token_ids == plain.finished.token_ids


def test_a_model_with_nothing_but_the_contract(demo):
    presets = [preset(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=99)]
    text = "there was a boy"
    ours = score_text(StepByStep(demo.model), demo.codec, text, presets, prompt=PROMPT)
    theirs = score_text(demo.model, demo.codec, text, presets, prompt=PROMPT)
    assert [one.token.token_id for one in ours.tokens] == list(theirs.token_ids)
    assert ours.bits == pytest.approx(theirs.bits, abs=1e-3)
    assert ours.verdicts[0].is_reachable == theirs.verdicts[0].is_reachable


@examples(max_examples=60)
@given(
    seeds,
    st.sampled_from([0, None]),
    prompts,
    st.booleans(),
    st.fixed_dictionaries({"max_new_tokens": st.integers(8, 12)}, optional=penalties | warpers),
)
def test_what_a_preset_wrote_it_could_have_written(model_seed, eos, prompt, samples, mapping):
    if not samples:
        mapping = {name: value for name, value in mapping.items() if name not in warpers}
    chosen = Settings(do_sample=samples, seed=model_seed, **mapping)
    model = TransformersModel(tiny_gpt2(model_seed, eos_token_id=eos))
    ours = run_ours(model, byte_codec(), chosen, context=prompt)
    written = ours.finished.token_ids
    scored = score_tokens(model, byte_codec(), prompt, written, [Preset("it", "", "", chosen)])
    (verdict,) = scored.verdicts
    assert verdict.is_reachable
    assert verdict.forbidden is None
    assert verdict.tokens == len(written)
    assert verdict.stops_after is None
    costs = [-step.token.final_logprob / math.log(2) for step in ours.steps] if samples else [0.0]
    assert verdict.bits == pytest.approx(sum(costs), abs=1e-3)
    for step, one in zip(ours.steps, scored.tokens, strict=True):
        assert one.token.rank == step.token.rank
        assert one.token.logprob == pytest.approx(step.token.logprob, abs=1e-5)


@examples(max_examples=40)
@given(seeds, prompts, st.fixed_dictionaries({}, optional=penalties | warpers))
def test_the_first_forbidden_token_is_the_first_without_probability(model_seed, prompt, mapping):
    """Any text: the verdict falls where transformers' scores first give the token nothing."""
    model = TransformersModel(tiny_gpt2(model_seed, eos_token_id=None))
    chosen = Settings(do_sample=True, max_new_tokens=20, **mapping)
    torch.manual_seed(model_seed)
    text = tuple(torch.randint(0, 24, (10,)).tolist())
    (verdict,) = score_tokens(
        model, byte_codec(), prompt, text, [Preset("it", "", "", chosen)]
    ).verdicts
    reachable = verdict.tokens
    for length in range(reachable):
        step = first_step(model, byte_codec(), chosen, prompt + text[:length])
        if step.token.token_id == text[length]:
            assert step.token.final_logprob is not None
    assert verdict.is_reachable == (reachable == len(text))
    if verdict.forbidden is not None:
        assert verdict.forbidden.index == reachable
        assert verdict.forbidden.token.token_id == text[reachable]
        assert verdict.forbidden.cut_by in mapping or verdict.forbidden.cut_by == "top_k"
        assert verdict.perplexity is None


def test_greedy_is_left_where_another_token_is_likelier(demo):
    greedy = preset("greedy", max_new_tokens=30)
    ours = run_ours(demo.model, demo.codec, greedy.settings, prompt=PROMPT)
    context, written = ours.started.context_token_ids, ours.finished.token_ids
    scored = score_tokens(demo.model, demo.codec, context, written, [greedy])
    assert scored.greedy_leaves_at is None
    assert scored.verdicts[0].is_reachable
    assert scored.verdicts[0].bits == 0.0
    other = next(one.token_id for one in scored.tokens[7].likeliest if one.rank == 2)
    changed = (*written[:7], other, *written[8:])
    scored = score_tokens(demo.model, demo.codec, context, changed, [greedy])
    assert scored.greedy_leaves_at == 7
    found = scored.verdicts[0].forbidden
    assert (found.index, found.cut_by, found.token.token_id) == (7, "do_sample", other)
    assert found.instead.token_id == written[7]


def test_a_text_longer_than_the_preset_writes(demo):
    presets = [preset("short", max_new_tokens=3), preset("whole", max_length=12), preset("default")]
    scored = score_text(demo.model, demo.codec, "there was a cat. " * 20, presets, prompt=PROMPT)
    assert [one.stops_after for one in scored.verdicts] == [3, 5, 20]
    assert [one.is_reachable for one in scored.verdicts] == [False] * 3


LIMITS = {
    "max_new_tokens": ({"max_new_tokens": 4}, 4),
    "max_length": ({"max_length": 9}, 4),
    "the default": ({}, 20),
}


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("beams", [{}, {"num_beams": 2}], ids=["sampling", "beams"])
def test_a_text_that_exceeds_a_limit_is_out_of_reach_and_by_what(limits, beams):
    """Behind a prompt of five tokens; one token less, and nothing is in the way."""
    mapping, longest = LIMITS[limits]
    context, text = (1, 2, 3, 4, 5), (6,) * (longest + 1)
    model = TransformersModel(tiny_gpt2(3, eos_token_id=None))
    asked = [preset(do_sample=True, top_k=0, **mapping, **beams)]
    (verdict,) = score_tokens(model, byte_codec(), context, text, asked).verdicts
    name = "max_length" if limits == "max_length" else "max_new_tokens"
    assert verdict.is_reachable is False
    assert (verdict.forbidden.index, verdict.forbidden.cut_by) == (longest, name)
    assert verdict.stops_after == longest
    assert verdict.perplexity is None
    (verdict,) = score_tokens(model, byte_codec(), context, text[:-1], asked).verdicts
    assert verdict.is_reachable is (None if beams else True)
    assert verdict.stops_after is verdict.forbidden is None


def test_a_text_that_ends_too_early_or_goes_on_behind_its_end():
    """Each of what ends a text, behind a prompt, also where a beam search is asked."""
    end = 0
    model = TransformersModel(tiny_gpt2(3, eos_token_id=end))
    sampling = {"do_sample": True, "top_k": 0, "max_new_tokens": 20}
    presets = [
        preset("free", **sampling),
        preset("held open", min_new_tokens=3, **sampling),
        preset("beams", num_beams=2, max_new_tokens=20),
    ]

    def told(text):
        scored = score_tokens(model, byte_codec(), (7, 8), text, presets)
        return [
            (one.forbidden.index, one.forbidden.cut_by) if one.forbidden else None
            for one in scored.verdicts
        ]

    assert told((1, 2, end)) == [None, (2, "min_new_tokens"), None]
    assert told((1, 2, 3, end)) == [None, None, None]
    assert told((1, 2, 3, end, 4)) == [(4, "eos_token_id")] * 3


def test_what_would_have_been_picked_instead_has_its_own_rank():
    """A penalty lets another than the likeliest win: it is told with the model's own rank."""
    asked = [preset(repetition_penalty=1e6, max_new_tokens=9)]
    context = tuple(range(12))
    ranks = set()
    for seed in range(4):
        model = TransformersModel(tiny_gpt2(seed, eos_token_id=None))
        logits = model.module(torch.tensor([context])).logits[0, -1].float()
        for token_id in range(24):
            (verdict,) = score_tokens(model, byte_codec(), context, (token_id,), asked).verdicts
            if verdict.forbidden is not None:
                instead = verdict.forbidden.instead
                assert instead.rank == 1 + int((logits > logits[instead.token_id]).sum())
                ranks.add(instead.rank)
    assert max(ranks) > 1


def test_other_tokens_of_the_same_text_are_told_only_where_there_are_some(demo):
    """Of bytes alone there is one reading; words can be read in parts."""
    text, greedy = "the cat sat", [preset("greedy", max_new_tokens=40)]
    wide = [preset("wide", do_sample=True, top_k=3, max_new_tokens=40)]
    module = tiny_gpt2(1, vocab_size=256, eos_token_id=None)
    (by_bytes,) = score_text(TransformersModel(module), byte_codec(), text, greedy).verdicts
    assert by_bytes.is_reachable is False
    assert not by_bytes.other_tokens
    run = run_ours(demo.model, demo.codec, Settings(max_new_tokens=12), prompt="Once upon a time")
    words = run.started.context_token_ids, run.finished.token_ids
    spelled = demo.codec.encode("".join(demo.codec.decode(words[1])), is_beginning=False)
    assert tuple(spelled) == words[1]
    letters = [
        one
        for letter in demo.codec.decode(words[1])
        for one in demo.codec.encode(letter, is_beginning=False)
    ]
    (verdict,) = score_tokens(
        demo.model, demo.codec, words[0], tuple(letters), greedy, is_text=True
    ).verdicts
    assert verdict.is_reachable is False
    assert verdict.other_tokens  # greedy goes on with a whole word, which begins the same text
    (by_ids,) = score_tokens(demo.model, demo.codec, words[0], tuple(letters), greedy).verdicts
    assert not by_ids.other_tokens
    (ended,) = score_text(demo.model, demo.codec, "the cat. " * 40, wide, prompt="a").verdicts
    assert ended.is_reachable is False


@pytest.mark.parametrize("name", ["greedy", "nucleus", "hot", "beam"])
def test_a_run_is_scored_by_its_own_tokens(demo, name):
    """Whatever its text would be read as; what stood before it is no part of what is asked."""
    chosen = {
        "greedy": Settings(max_new_tokens=25),
        "nucleus": Settings(do_sample=True, top_k=0, top_p=0.8, max_new_tokens=25, seed=1),
        "hot": Settings(do_sample=True, top_k=0, temperature=1.7, max_new_tokens=25, seed=2),
        "beam": Settings(num_beams=3, max_new_tokens=25),
    }[name]
    run = run_ours(demo.model, demo.codec, chosen, prompt="Colourless green ideas sleep")
    prompt, written = run.started.context_token_ids, run.finished.token_ids
    scored = score_tokens(
        demo.model,
        demo.codec,
        (),
        prompt + written,
        [Preset(name, "", "", chosen)],
        prompt_length=len(prompt),
    )
    assert scored.token_ids == prompt + written
    assert scored.verdicts[0].is_reachable is (None if name == "beam" else True)
    assert scored.verdicts[0].stops_after is None
    assert scored.asked_tokens == len(written)


def test_perplexities_as_lm_evaluation_harness_counts_them(demo):
    text = "There was a cat  who lived\nin a naïve 世界."
    scored = score_text(demo.model, demo.codec, text)
    nats = -sum(one.token.logprob for one in scored.tokens)
    assert scored.text == text
    assert scored.word_perplexity == pytest.approx(math.exp(nats / 10))
    assert scored.byte_perplexity == pytest.approx(math.exp(nats / len(text.encode())))
    assert scored.bits_per_byte == pytest.approx(nats / len(text.encode()) / math.log(2))
    module = tiny_gpt2(1, vocab_size=256)
    module.generation_config.bos_token_id = None  # then the first token has no score
    partly = score_text(TransformersModel(module), byte_codec(), "abc")
    assert partly.word_perplexity is partly.byte_perplexity is partly.bits_per_byte is None


def test_equal_scores_are_in_the_order_of_a_run():
    """Of equally likely tokens the lowest id comes first, as greedy takes it."""

    class Level(StepByStep):
        context_size, vocabulary_size, eos_token_ids, bos_token_id = 9, 24, (), 0

        def rewind(self, length, row=0):
            return 0

        def prefill(self, token_ids):
            return torch.zeros(1, 24)

        decode = prefill

    scored = score_tokens(Level(None), byte_codec(), (0,), (0, 1), [preset(max_new_tokens=5)])
    assert [one.token_id for one in scored.tokens[0].likeliest] == [0, 1, 2, 3, 4]
    assert scored.greedy_leaves_at == 1
    assert scored.verdicts[0].forbidden.index == 1


def test_nothing_follows_what_ends_a_text(demo):
    """An end of text or a stop string ends a run, so that no preset writes on behind it."""
    sampling = {"do_sample": True, "top_k": 0, "max_new_tokens": 99}
    presets = [preset("end", **sampling), preset("stop", stop_strings=("ca",), **sampling)]
    end = demo.model.eos_token_ids[0]
    words = demo.codec.encode(" there was a cat", is_beginning=False)
    scored = score_tokens(demo.model, demo.codec, (end,), (*words, end, *words), presets)
    by_end, by_string = (one.forbidden for one in scored.verdicts)
    assert (by_end.index, by_end.cut_by) == (len(words) + 1, "eos_token_id")
    assert by_string.cut_by == "stop_strings"
    written = demo.codec.decode(scored.token_ids[: by_string.index])
    assert "ca" in written
    assert "ca" not in demo.codec.decode(scored.token_ids[: by_string.index - 1])
    whole = score_tokens(demo.model, demo.codec, (end,), (*words, end), presets[:1])
    assert whole.verdicts[0].is_reachable


def test_beams_are_not_judged(demo):
    (verdict,) = score_text(demo.model, demo.codec, "the", [preset(num_beams=3)]).verdicts
    assert verdict.is_reachable is None
    assert verdict.perplexity is None


def test_a_model_without_a_beginning_expects_no_first_token():
    module = tiny_gpt2(1, vocab_size=256)
    module.generation_config.bos_token_id = None
    scored = score_text(TransformersModel(module), byte_codec(), "abc")
    assert scored.unscored == 1
    assert len(scored.tokens) == 2
    alone = score_text(TransformersModel(module), byte_codec(), "a")
    assert alone.tokens == ()
    assert alone.perplexity is None
    assert alone.greedy_leaves_at is None


def test_what_cannot_be_scored_is_said(demo):
    with pytest.raises(PlaygroundError, match="no text to score"):
        score_text(demo.model, demo.codec, "")
    with pytest.raises(PlaygroundError, match="reads at most"):
        score_text(demo.model, demo.codec, "the cat " * 5000)


def test_tokens_that_the_model_has_not_are_told():
    model = TransformersModel(tiny_gpt2(1))
    with pytest.raises(PlaygroundError, match=r"the token 64, and the vocab.* at 23"):
        score_text(model, byte_codec(), "a")
    with pytest.raises(PlaygroundError, match="the token 24"):
        score_tokens(model, byte_codec(), (24,), (1, 2))


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_logits_that_are_not_numbers_are_told(number):
    module = tiny_gpt2(1).float()
    with torch.no_grad():
        module.transformer.wte.weight[7, 0] = number
    with pytest.raises(PlaygroundError, match="not all numbers"):
        score_tokens(TransformersModel(module), byte_codec(), (1,), (2, 3), [preset()])


def test_cancelling(demo):
    scored = score_text(demo.model, demo.codec, "the cat", [preset()], is_cancelled=lambda: True)
    assert scored.tokens == scored.verdicts == ()


def test_perplexity_by_hand():
    assert perplexity(6.0, 3) == 4.0
    assert perplexity(1e9, 1) == math.inf


def test_the_perplexity_of_a_runs_own_tokens(demo):
    run = run_ours(demo.model, demo.codec, Settings(max_new_tokens=10), prompt=PROMPT)
    assert perplexity_of_steps(run.steps) == pytest.approx(
        math.exp(-sum(one.token.logprob for one in run.steps) / len(run.steps))
    )
    assert perplexity_of_steps([]) is None
