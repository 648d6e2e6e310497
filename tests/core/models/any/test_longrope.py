"""Models that read long texts by other positions than short ones, as Phi-3 does with longrope."""

from __future__ import annotations

import pytest
import torch
import transformers
from packaging.version import Version
from transformers import AutoConfig, AutoModelForCausalLM

from core.models.any.model import TransformersModel
from core.records.settings import Settings
from tests.reference import byte_codec, new_tokens, run_ours, run_theirs

CODEC = byte_codec()
TURN = 16

drops_its_cache_well = pytest.mark.skipif(
    Version(transformers.__version__) < Version("5.24"),
    reason="this generate() reads only the last token where it begins a new cache",
)


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(3)
    config = AutoConfig.for_model(
        "phi3",
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=96,
        original_max_position_embeddings=TURN,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=1,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10_000.0,
            "original_max_position_embeddings": TURN,
            "short_factor": [1.0] * 8,
            "long_factor": [4.0] * 8,
        },
    )
    module = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(12)
    return module.double().eval()


def text(length):
    return tuple(torch.randint(2, 64, (length,), generator=torch.manual_seed(7)).tolist())


@drops_its_cache_well
@pytest.mark.parametrize("length", [TURN - 5, TURN - 1, TURN, TURN + 1, TURN + 5])
@pytest.mark.parametrize("num_beams", [1, 3])
def test_same_tokens_as_generate_where_a_text_becomes_long(module, length, num_beams):
    model = TransformersModel(module)
    settings = Settings(max_new_tokens=10, num_beams=num_beams)
    ours = run_ours(model, CODEC, settings, context=text(length)).finished.token_ids
    assert list(ours) == new_tokens(run_theirs(module, text(length), settings), text(length))


@drops_its_cache_well
def test_a_cache_serves_no_text_on_the_other_side(module):
    """Read on, cut back, and read on again; each as if nothing had been read before."""
    model, settings = TransformersModel(module), Settings(max_new_tokens=4)
    for length in (TURN - 3, TURN + 9, TURN - 6, TURN, TURN + 1, TURN + 3):
        context = text(TURN + 20)[:length]
        ours = run_ours(model, CODEC, settings, context=context).finished.token_ids
        assert list(ours) == new_tokens(run_theirs(module, context, settings), context)


@pytest.mark.parametrize("length", [TURN, TURN + 1, TURN + 70])
def test_scores_are_those_of_each_beginning(module, length):
    token_ids = text(length)
    logits = torch.cat(list(TransformersModel(module).all_logits(token_ids)))
    for end in {1, TURN - 1, TURN, min(TURN + 1, length), length}:
        with torch.inference_mode():
            alone = module(torch.tensor([token_ids[:end]]), use_cache=False).logits[0, -1]
        torch.testing.assert_close(logits[end - 1], alone.float(), rtol=1e-4, atol=1e-4)
