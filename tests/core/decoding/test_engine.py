"""The engine on the bundled model: stops, cancels, reuses its cache, and tells nothing wrong."""

from __future__ import annotations

import threading

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.decoding.engine import generate
from core.models.any.model import TransformersModel
from core.models.catalog import DEMO, model_folder
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished, Started, TokenStep
from tests.reference import ENGINES, behind, byte_codec, new_tokens, run_ours, run_theirs, tiny_gpt2

PROMPT = "A long long time ago, "

PRESETS = [
    Settings(max_new_tokens=40),
    Settings(max_new_tokens=40, do_sample=True, top_k=0, seed=11),
    Settings(max_new_tokens=40, do_sample=True, top_k=0, top_p=0.9, seed=12),
    Settings(max_new_tokens=40, do_sample=True, temperature=0.7, seed=13),
    Settings(max_length=40, num_beams=5, no_repeat_ngram_size=2),
    Settings(max_new_tokens=30, num_beams=3, early_stopping=True, length_penalty=2.0),
    Settings(max_new_tokens=30, num_beams=3, do_sample=True, top_k=0, temperature=1.3, seed=14),
]


@pytest.mark.parametrize("settings", PRESETS, ids=lambda one: one.mode)
def test_bundled_model_as_from_pretrained_loads_it(demo, settings):
    """What a person gets from ``AutoModelForCausalLM`` and ``generate()`` in a notebook."""
    module = AutoModelForCausalLM.from_pretrained(model_folder(DEMO))
    tokenizer = AutoTokenizer.from_pretrained(model_folder(DEMO))
    prompt = tuple(tokenizer(PROMPT)["input_ids"])
    ours = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    assert ours.started.context_token_ids == prompt
    theirs = new_tokens(run_theirs(module, prompt, settings), prompt)
    assert list(ours.finished.token_ids) == theirs
    assert ours.finished.text == tokenizer.decode(theirs)


@pytest.mark.parametrize("num_beams", [1, 3])
@pytest.mark.parametrize("stop", ["the", " wa", "e.", "s a", ", "])
def test_stop_strings_end_where_generate_ends(demo, demo_module, stop, num_beams):
    tokenizer = AutoTokenizer.from_pretrained(model_folder(DEMO))
    prompt = tuple(tokenizer(PROMPT)["input_ids"])
    settings = Settings(max_new_tokens=40, num_beams=num_beams, stop_strings=(stop,))
    ours = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    theirs = run_theirs(demo_module, prompt, settings, tokenizer=tokenizer)
    assert list(ours.finished.token_ids) == new_tokens(theirs, prompt)


@pytest.mark.parametrize("prompt", [PROMPT, "Größe", ""])
def test_a_prompt_of_token_ids_is_read_as_the_text_was(demo, prompt):
    settings = Settings(max_new_tokens=12, do_sample=True, seed=3)
    first = list(generate(demo.model, demo.codec, Request(prompt, settings), lambda: False))
    demo.model.rewind(0)
    request = Request(first[0].prompt_token_ids, settings)
    again = list(generate(demo.model, demo.codec, request, lambda: False))
    assert again[0] == first[0]
    assert [one.distribution for one in again[1:-1]] == [one.distribution for one in first[1:-1]]


@pytest.mark.parametrize("num_beams", [1, 3])
def test_cancel_takes_effect_before_the_next_step(demo, num_beams):
    request = Request(PROMPT, Settings(max_new_tokens=50, num_beams=num_beams))
    cancelled = threading.Event()
    seen = []
    for event in generate(demo.model, demo.codec, request, cancelled.is_set):
        seen.append(event)
        if len(seen) == 4:
            cancelled.set()
    *_, last, finished = seen
    assert isinstance(finished, Finished)
    assert finished.reason == "cancelled"
    assert len(seen) == 5
    kept = last.hypotheses[0].token_ids if isinstance(last, BeamStep) else None
    assert finished.token_ids == (kept or tuple(one.token.token_id for one in seen[1:-1]))
    assert finished.text


def test_cancelled_before_the_first_step(demo):
    for num_beams in (1, 2):
        request = Request(PROMPT, Settings(num_beams=num_beams))
        events = list(generate(demo.model, demo.codec, request, lambda: True))
        assert [type(event) for event in events] == [Started, Finished]
        assert events[-1].token_ids == ()


def test_context_end_stops_before_the_model_is_called():
    module = tiny_gpt2(3, n_positions=12, eos_token_id=None)
    model = TransformersModel(module)
    for num_beams in (1, 3):
        settings = Settings(max_new_tokens=100, num_beams=num_beams)
        ours = run_ours(model, byte_codec(), settings, context=(1, 2, 3))
        assert ours.started.max_new_tokens == 9
        assert len(ours.finished.token_ids) == 9
        assert ours.finished.reason == "context_full"
        assert max(len(row) for row in model.rows) < 12


def test_full_context_is_refused_before_it_starts():
    model = TransformersModel(tiny_gpt2(3, n_positions=12))
    with pytest.raises(PlaygroundError, match=r"12 tokens, and this model reads at most 12"):
        run_ours(model, byte_codec(), Settings(), context=tuple(range(1, 13)))


@pytest.mark.parametrize("engine", ENGINES)
def test_tokens_that_the_model_has_not_are_told(engine):
    """A tokenizer that is larger than the model's vocabulary, or a bos_token_id beyond it."""
    module = tiny_gpt2(1)
    module.generation_config.bos_token_id = 24
    model = behind(engine, module.float())
    for prompt, context in (("x", ()), ("", (3, 24)), ("", ())):
        with pytest.raises(PlaygroundError, match="vocabulary of this model ends at 23"):
            run_ours(model, byte_codec(), Settings(), prompt=prompt, context=context)
    assert len(run_ours(model, byte_codec(), Settings(), context=(3, 23)).finished.token_ids) > 0


def test_max_length_below_the_prompt_is_refused(demo):
    with pytest.raises(
        PlaygroundError, match=r"max_length \(5\) counts the whole text, which has 7 tokens"
    ):
        run_ours(demo.model, demo.codec, Settings(max_length=5), prompt=PROMPT)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("num_beams", [1, 3])
def test_scores_that_cannot_be_drawn_from_are_told(engine, num_beams):
    """generate() fails there too; a token picked among what is no number would look like a draw."""
    module = tiny_gpt2(1).float()
    cold = Settings(do_sample=True, temperature=1e-39, seed=1, num_beams=num_beams)
    with pytest.raises(PlaygroundError, match="nearer to 1"):
        run_ours(behind(engine, module), byte_codec(), cold, context=(1, 2))
    with torch.no_grad():
        module.transformer.wte.weight[7, 0] = torch.nan
    for do_sample in (True, False):
        chosen = Settings(do_sample=do_sample, num_beams=num_beams)
        with pytest.raises(PlaygroundError, match="not all numbers"):
            run_ours(behind(engine, module), byte_codec(), chosen, context=(1, 2))


def test_empty_prompt_begins_with_bos(demo):
    ours = run_ours(demo.model, demo.codec, Settings(max_new_tokens=5))
    assert ours.started.context_token_ids == (demo.model.bos_token_id,)
    assert len(ours.finished.token_ids) == 5


def test_same_seed_same_tokens_whatever_ran_before(demo):
    settings = Settings(max_new_tokens=30, do_sample=True, top_k=0, seed=5)
    first = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    run_ours(demo.model, demo.codec, Settings(num_beams=4, max_new_tokens=9), prompt="The ")
    again = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    assert again.finished.token_ids == first.finished.token_ids
    assert [one.distribution for one in again.steps] == [one.distribution for one in first.steps]


def test_a_seed_is_drawn_and_told(demo):
    settings = Settings(max_new_tokens=20, do_sample=True, top_k=0, temperature=1.5)
    first = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    second = run_ours(demo.model, demo.codec, settings, prompt=PROMPT)
    assert first.started.seed != second.started.seed
    replay = run_ours(
        demo.model, demo.codec, settings.replace(seed=first.started.seed), prompt=PROMPT
    )
    assert replay.finished.token_ids == first.finished.token_ids


@pytest.mark.parametrize("num_beams", [1, 3])
def test_further_prompt_reuses_the_cache(demo, demo_module, num_beams, monkeypatch):
    first = run_ours(
        demo.model, demo.codec, Settings(max_new_tokens=30, num_beams=num_beams), prompt=PROMPT
    )
    document = first.started.context_token_ids + first.finished.token_ids
    prefilled = []
    prefill = demo.model.prefill
    monkeypatch.setattr(
        demo.model, "prefill", lambda ids: prefilled.append(len(ids)) or prefill(ids)
    )
    second = run_ours(
        demo.model, demo.codec, Settings(max_new_tokens=8), prompt="\nThen", context=document
    )
    assert prefilled[0] <= len(second.started.prompt_token_ids) + (1 if num_beams == 1 else 30)
    assert len(prefilled) == 1
    fresh = run_theirs(demo_module, second.started.context_token_ids, Settings(max_new_tokens=8))
    assert list(second.finished.token_ids) == new_tokens(fresh, second.started.context_token_ids)


def test_cost_of_a_step_is_one_token(demo, monkeypatch):
    lengths = []
    for name in ("prefill", "decode"):
        run = getattr(demo.model, name)
        monkeypatch.setattr(
            demo.model, name, lambda ids, run=run: lengths.append(len(ids)) or run(ids)
        )
    sampling = Settings(max_new_tokens=6, do_sample=True)
    run_ours(demo.model, demo.codec, sampling, prompt=PROMPT)
    assert lengths == [7, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "prompt", ["你好，世界", "🙂🦄", "def f(x):\n\treturn x**2", "\x1b[2J\x00", "Ünïcödé"]
)
def test_any_prompt_round_trips(demo, prompt):
    ours = run_ours(demo.model, demo.codec, Settings(max_new_tokens=3), prompt=prompt)
    assert demo.codec.decode(ours.started.context_token_ids) == prompt


def test_broken_character_in_the_prompt_is_told(demo):
    with pytest.raises(PlaygroundError, match="broken character at position 3"):
        run_ours(demo.model, demo.codec, Settings(), prompt="ab\ud800")


def test_steps_hold_plain_values(demo):
    ours = run_ours(demo.model, demo.codec, Settings(max_new_tokens=3), prompt=PROMPT)
    step = ours.steps[0]
    assert isinstance(step, TokenStep)
    assert not isinstance(step.token.logprob, torch.Tensor)
    assert step.distribution.rest == pytest.approx(
        1 - sum(one.probability for one in step.distribution.candidates)
    )
