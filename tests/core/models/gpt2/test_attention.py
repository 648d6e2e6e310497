"""The kernel's attention: any head size and length, and each lane as if it ran alone."""

from __future__ import annotations

import pytest
import torch

from core.models.any.model import TransformersModel
from core.models.gpt2.kernel.build import native_library
from tests.core.models.gpt2.test_gpt2 import assert_close, random_module, tokens
from tests.reference import behind

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

# Parts of 64, 32 and 16 numbers, single ones, and several of the largest part.
HEAD_SIZES = [3, 16, 17, 32, 48, 63, 64, 80, 96, 115, 128, 144, 200]


def module_of(head_size, **config):
    shape = {"n_positions": 160, "n_head": 2, "n_embd": 2 * head_size, "initializer_range": 0.1}
    return random_module(**{**shape, **config})


@pytest.mark.parametrize("head_size", HEAD_SIZES)
def test_every_head_size(head_size):
    module = module_of(head_size)
    ours, theirs = behind("native", module), TransformersModel(module)
    for length in (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 130):
        ours.rewind(0)
        theirs.rewind(0)
        assert_close(ours.prefill(tokens(length)), theirs.prefill(tokens(length)))
        assert_close(ours.decode([5]), theirs.decode([5]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("head_size", [8, 32, 64, 80])
@pytest.mark.parametrize("lanes", range(2, 7))
def test_a_lane_is_the_same_to_the_bit_beside_others(dtype, head_size, lanes):
    module = module_of(head_size, n_inner=100)
    alone, together = (behind("native", module, dtype) for _ in range(2))
    for model in (alone, together):
        model.prefill(tokens(13))
    together.reorder([0] * lanes)
    for step in range(20):
        new = [(11 * step + 5 * lane) % 97 for lane in range(lanes)]
        logits = together.decode(new)
        assert torch.equal(logits[-1:], alone.decode(new[-1:]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_a_prompt_is_the_same_to_the_bit_in_one_piece_and_in_several(dtype):
    module = module_of(32)
    models = [behind("native", module, dtype) for _ in range(2)]
    whole = models[0].prefill(tokens(6))
    for token_id in tokens(6):
        piece = models[1].prefill([token_id])
    assert torch.equal(whole, piece)
