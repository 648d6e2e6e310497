"""Guidance: what looking back, forks and scoring make of it is what the run itself chose by."""

from __future__ import annotations

import pytest
import torch
from transformers.generation.logits_process import UnbatchedClassifierFreeGuidanceLogitsProcessor

from core.decoding.engine import generate
from core.decoding.guiding import guided
from core.looking_back.explain import explain
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.ghosts import find_ghosts
from core.looking_back.other_settings.sweep import Sweeper
from core.looking_back.reading_again import read_again
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.recorded_run import WrittenRun
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, TokenStep
from tests.reference import behind, byte_codec, run_theirs, tiny_gpt2

CODEC = byte_codec()
CONTEXT = (5, 9, 3)
GUIDED = Settings(guidance_scale=3, negative_prompt_ids=(7, 7), max_new_tokens=8)
PRESETS = [
    Preset("guided", "", "", GUIDED),
    Preset("stronger", "", "", GUIDED.replace(guidance_scale=6)),
    Preset("against another", "", "", GUIDED.replace(negative_prompt_ids=(1,))),
    Preset("plain", "", "", Settings(max_new_tokens=8)),
]


@pytest.fixture(scope="module")
def module():
    return tiny_gpt2(11, vocab_size=256, eos_token_id=None).float()


def recorded(model, settings, **request):
    store = LogitsStore()
    asked = Request("", settings, CONTEXT, recorder=store.recorder("run"), **request)
    *steps, finished = generate(model, CODEC, asked, lambda: False)
    assert isinstance(finished, Finished)
    return store.run("run"), [one for one in steps if isinstance(one, TokenStep)]


def theirs(module, context, settings):
    return run_theirs(module, context, settings).sequences[0, len(context) :].tolist()


def test_the_steps_are_explained_by_what_was_weighed(module):
    run, steps = recorded(behind("torch", module), GUIDED)
    plain, _ = recorded(behind("torch", module), Settings(max_new_tokens=8))
    assert run.token_ids != plain.token_ids
    for index, step in enumerate(steps):
        told = explain(run, index)
        assert [one.name for one in told.effects] == ["guidance_scale"]
        assert told.token.final_logprob == pytest.approx(step.token.final_logprob, abs=1e-5)
        assert told.final_rank == 1


def test_presets_that_are_guided_alike_have_ghosts_and_no_others(module):
    run, _ = recorded(behind("torch", module), GUIDED)
    ghosts = find_ghosts(Sweeper(run), PRESETS)
    assert {one.preset_name for one in ghosts.steps[0]} == {"guided", "stronger", "plain"}
    assert all(step[0].pick == run.token_ids[at] for at, step in enumerate(ghosts.steps))
    other, _ = recorded(behind("torch", module), Settings(max_new_tokens=8))
    with pytest.raises(PlaygroundError, match="was not asked in this run"):
        explain(other, 0, GUIDED)


@pytest.mark.parametrize("negative", [(7, 7), None])
def test_a_fork_goes_on_as_generate_would_from_there(module, negative):
    settings = Settings(guidance_scale=3, negative_prompt_ids=negative, max_new_tokens=6)
    model = behind("torch", module)
    first, _ = recorded(model, settings)
    run, _ = recorded(model, settings, forced=(*first.token_ids[:2], 17))
    forked = (*first.token_ids[:2], 17)
    assert list(run.token_ids[3:]) == theirs(module, CONTEXT + forked, settings)


def test_it_is_read_again_to_the_same_figures(module):
    model = behind("torch", module)
    run, steps = recorded(model, GUIDED)
    told = tuple(tuple(one.distribution.candidates) for one in steps)
    written = WrittenRun(CONTEXT, run.token_ids, GUIDED, 0, frozenset(), 0, told)
    store = LogitsStore()
    assert read_again(model, CODEC, written, store.recorder("again")) < 1e-5
    again = store.run("again")
    for index, step in enumerate(steps):
        final = explain(again, index).token.final_logprob
        assert final == pytest.approx(step.token.final_logprob, abs=1e-4)


def test_a_text_is_scored_under_it(module):
    model = behind("torch", module)
    run, _ = recorded(model, GUIDED)
    scored = score_tokens(model, CODEC, CONTEXT, run.token_ids, PRESETS)
    found = {one.preset_name: one.is_reachable for one in scored.verdicts}
    assert found["guided"] is True
    assert found["plain"] is False


def test_a_negative_prompt_leaves_room_for_what_is_written(module):
    settings = GUIDED.replace(negative_prompt_ids=(7,) * 45, max_new_tokens=20)
    run, _ = recorded(behind("torch", module), settings)
    assert len(run.token_ids) == 3
    with pytest.raises(PlaygroundError, match="negative_prompt_ids has 48 tokens"):
        recorded(behind("torch", module), GUIDED.replace(negative_prompt_ids=(7,) * 48))


def test_what_is_not_for_the_model_is_told_of_the_preset_alone(module):
    model = behind("torch", module)
    wrong = Preset("wrong", "", "", Settings(suppress_tokens=[300]))
    scored = score_tokens(model, CODEC, CONTEXT, (1, 2), [wrong, PRESETS[3]])
    assert "names token 300" in scored.verdicts[0].obstacle
    assert scored.verdicts[1].obstacle == ""


def test_invalid_values_are_removed_and_told(module, monkeypatch):
    model = behind("torch", module)
    prefill = type(model).prefill

    def broken(self, token_ids):
        logits = prefill(self, token_ids).clone()
        logits[0, 4], logits[0, 5] = torch.nan, torch.inf
        return logits

    monkeypatch.setattr(type(model), "prefill", broken)
    with pytest.raises(PlaygroundError, match="not all numbers"):
        recorded(model, Settings(max_new_tokens=1))
    run, (step,) = recorded(model, Settings(max_new_tokens=1, remove_invalid_values=True))
    assert step.token.token_id == 5
    assert step.token.probability == pytest.approx(1.0)
    assert explain(run, 0).token.probability == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_of_16_bit_models_the_second_text_is_not_rounded_once_more(dtype):
    """``generate()`` takes the softmax of what it says without the prompt in 16 bits."""
    module, scale, negative = tiny_gpt2(4, vocab_size=256).to(dtype), 3.0, torch.tensor([[7, 7]])
    with torch.inference_mode():
        scores = module(torch.tensor([CONTEXT])).logits[:, -1].float()
        without = module(negative).logits[:, -1]
        process = UnbatchedClassifierFreeGuidanceLogitsProcessor(scale, module, negative)
        theirs = process(torch.tensor([CONTEXT]), scores)
    ours = guided(scores, without.float(), scale)
    exact = guided(scores.double(), without.double(), scale)
    rounded = torch.log_softmax(without, dim=-1).double()
    expected = scale * (torch.log_softmax(scores.double(), dim=-1) - rounded) + rounded
    torch.testing.assert_close(theirs.double(), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.double(), exact, atol=1e-5, rtol=0)
    assert (theirs - ours).abs().max() > 1e-3
