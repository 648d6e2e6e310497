"""In 16 bit a token has the same figures however it was read, and logits are not rounded."""

from __future__ import annotations

import pytest
import torch

from core.looking_back.explain import explain
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.any.exact_head import ExactHead
from core.models.any.model import TransformersModel
from core.models.gpt2.forward import head
from core.models.gpt2.graph import compiled as gpt2_compiled
from core.models.gpt2.kernel import steps as gpt2_native
from core.models.matrix_products import product
from core.records.settings import Settings
from tests.core.looking_back.recorded import recorded
from tests.core.models.any.test_any_architecture import FAMILIES, config_of, module_of
from tests.reference import NATIVE, behind, run_ours

DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
LENGTH = 60
"""More than the kernel reads at once of a short prompt, and than torch scores in one piece."""


def logits_of(engine, module, token_ids, dtype):
    """The logits after each token, by every way in which the program reads one."""
    model = behind(engine, module, dtype)

    def alone():
        model.rewind(0)
        yield model.prefill(token_ids[:1]).clone()
        for token_id in token_ids[1:]:
            yield model.decode([token_id]).clone()

    def as_prompts():
        for end in range(1, len(token_ids) + 1):
            model.rewind(0)
            yield model.prefill(token_ids[:end]).clone()

    def in_rows():
        model.rewind(0)
        yield model.prefill(token_ids[:1]).clone()
        model.reorder([0] * 5)
        for at, token_id in enumerate(token_ids[1:]):
            yield model.decode([at, token_id, at + 1, at + 2, at + 3])[1:2].clone()
            model.reorder([1] * 5)

    ways = {"alone": alone(), "as prompts": as_prompts(), "in rows": in_rows()}
    ways["scored"] = iter(model.all_logits(token_ids))
    return {name: torch.cat(list(way)) for name, way in ways.items()}


@pytest.mark.parametrize("engine", ["torch", "graph", NATIVE])
def test_a_token_is_the_same_however_it_was_read(engine, demo, demo_module):
    """Of the bundled model, where rounding moved a logit by 0.7 and a probability by 0.06."""
    text = "Once upon a time a fox lived in a wood. Every day he went to the river to see the bear."
    token_ids = demo.codec.encode(text * 4, is_beginning=True)[:LENGTH]
    ways = logits_of(engine, demo_module, token_ids, torch.bfloat16)
    expected = ways.pop("alone")
    assert len(expected) == LENGTH
    for logits in ways.values():
        if engine == "native" and not gpt2_native.has_tiles():
            assert torch.equal(logits, expected)
        # Else a key of 16 bit, computed in another order, may be rounded to its other neighbour.
        assert float((logits - expected).abs().max()) < 0.1
        assert float((logits.softmax(-1) - expected.softmax(-1)).abs().max()) < 0.01


@pytest.mark.parametrize("engine", ["torch", "graph", NATIVE])
def test_what_is_told_of_a_run_is_what_scoring_tells(engine, demo, demo_module):
    """The record of each step, F9, scrubbing and a beam's sum against the score of the text."""
    model, codec = behind(engine, demo_module, torch.bfloat16), demo.codec
    prompt = "Once upon a time, there was a"
    settings = Settings(do_sample=True, temperature=1.3, seed=1, max_new_tokens=24)
    run, finished = recorded(model, codec, settings, prompt)
    context = tuple(codec.encode(prompt, is_beginning=True))
    scored = score_tokens(model, codec, context, finished.token_ids)
    assert len(scored.tokens) == 24
    swept = scrub(Sweeper(run), settings)
    assert swept.first_divergence is None
    for index, one in enumerate(scored.tokens):
        token = explain(run, index).token
        assert token.token_id == one.token.token_id
        assert token.probability == pytest.approx(one.token.probability, abs=0.01)
    beams = run_ours(model, codec, Settings(num_beams=4, max_new_tokens=12), prompt=prompt)
    best = beams.steps[-1].hypotheses[0]
    scored = score_tokens(model, codec, context, best.token_ids)
    assert best.score == pytest.approx(sum(one.token.logprob for one in scored.tokens), abs=0.05)


@DTYPES
def test_products_of_16_bit_are_as_exact_as_in_float32(dtype):
    """Also where the matrix is widened in several pieces, the last of them shorter."""
    torch.manual_seed(0)
    matrix, hidden = torch.randn(5000, 300).to(dtype), torch.randn(2, 3, 300)
    expected = hidden @ matrix.float().t()
    assert product(hidden, matrix).dtype == torch.float32
    torch.testing.assert_close(product(hidden, matrix), expected, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_head_of_a_compiled_step_is_exact(rows, demo_module):
    model = behind("torch", demo_module, torch.bfloat16)
    weights, config = model._weights, model._config
    hidden = torch.randn((rows, config.n_embd))
    normed = torch.nn.functional.layer_norm(
        hidden, (config.n_embd,), weights.ln_f_weight, weights.ln_f_bias, config.layer_norm_epsilon
    )
    end = gpt2_compiled._end_of(config)
    logits = end(hidden, weights.ln_f_weight, weights.ln_f_bias, weights.head)
    torch.testing.assert_close(logits, head(weights, normed), atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@DTYPES
def test_transformers_logits_are_not_rounded(family, dtype):
    """Whatever the architecture then does with them; all that are equal in 16 bit were ties."""
    module = module_of(config_of(family, FAMILIES[family])).to(dtype)
    model = TransformersModel(module)
    assert isinstance(module.get_output_embeddings(), ExactHead)
    for logits in (model.prefill([5, 6, 7]), next(model.all_logits([5, 6, 7]))):
        assert logits.dtype == torch.float32
        assert not torch.equal(logits, logits.to(dtype).float())
