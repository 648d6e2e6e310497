"""The kernel with the processor's matrix tiles and without: the same logits as transformers'."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models.any.model import TransformersModel
from core.models.gpt2.config import gpt2_config
from core.models.gpt2.kernel import steps as gpt2_native
from core.models.gpt2.kernel.build import native_library
from core.models.gpt2.model import Gpt2Model
from core.models.gpt2.weights import Gpt2Weights
from tests.core.models.gpt2.test_gpt2 import (
    assert_alike_in_rows,
    assert_alike_through,
    assert_close,
    random_module,
    tokens,
)
from tests.reference import behind

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

BFLOAT16, INT8 = torch.bfloat16, torch.int8
DTYPES = pytest.mark.parametrize("dtype", [BFLOAT16, INT8], ids=["bfloat16", "int8"])
BY = pytest.mark.parametrize("by_tiles", [True, False], ids=["tiles", "vectors"])


@pytest.fixture
def choose(monkeypatch):
    """Keeps keys and values as they are, so that what is left is what products round."""

    def chosen(by_tiles):
        if by_tiles and not gpt2_native.has_tiles():
            pytest.skip("this processor has no matrix tiles")
        monkeypatch.setattr(Gpt2Weights, "cache_dtype", torch.float32)
        monkeypatch.setattr(gpt2_native, "has_tiles", lambda: by_tiles)

    return chosen


def rounded(module, dtype):
    """The module that ``dtype`` weights mean: matrices are rounded, all else is not."""
    module = copy.deepcopy(module)
    for name, parameter in module.named_parameters():
        if parameter.ndim == 2 and "wpe" not in name:
            inputs = 1 if "wte" in name or "lm_head" in name else 0
            scale = parameter.data.abs().amax(dim=inputs, keepdim=True) / 127
            in_int8 = torch.round(parameter.data / scale) * scale
            by_dtype = {BFLOAT16: parameter.data.bfloat16().float(), INT8: in_int8}
            parameter.data = by_dtype.get(dtype, parameter.data)
    return module


def pair(module, dtype):
    return behind("native", module, dtype), TransformersModel(rounded(module, dtype))


@DTYPES
@BY
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 16])
def test_every_batch(choose, by_tiles, dtype, rows):
    """From one group of lanes to four; the vocabulary leaves a row that fills no tile."""
    choose(by_tiles)
    ours, theirs = pair(random_module(n_embd=128, n_head=2, initializer_range=0.1), dtype)
    assert_alike_in_rows(ours, theirs, rows)


LARGE = {"n_embd": 128, "n_inner": 8323, "vocab_size": 8333, "n_layer": 1, "initializer_range": 0.1}
"""Matrices of more than 1 MB even in int8: only those are read in streams. Rows are left over."""


@pytest.mark.parametrize("dtype", [torch.float32, BFLOAT16, INT8], ids=["f32", "bfloat16", "int8"])
@BY
@pytest.mark.parametrize("rows", [1, 2, 6, 9])
def test_matrices_that_are_read_in_streams(choose, by_tiles, dtype, rows):
    choose(by_tiles)
    ours, theirs = pair(random_module(**LARGE), dtype)
    assert_alike_in_rows(ours, theirs, rows)


@DTYPES
@BY
@pytest.mark.parametrize("length", [1, 2, 8, 9, 23, 24])
def test_every_prompt(choose, by_tiles, dtype, length):
    choose(by_tiles)
    ours, theirs = pair(random_module(n_embd=64, n_inner=192, initializer_range=0.1), dtype)
    assert_close(ours.prefill(tokens(length)), theirs.prefill(tokens(length)))
    assert_close(ours.decode([5]), theirs.decode([5]))


@DTYPES
@pytest.mark.parametrize("length", [25, 48])
def test_prompts_that_tiles_make_short(choose, dtype, length):
    choose(True)
    ours, theirs = pair(random_module(n_embd=64, initializer_range=0.1), dtype)
    assert_close(ours.prefill(tokens(length)), theirs.prefill(tokens(length)))


shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "n_head": st.sampled_from([1, 2, 4]),
        "n_layer": st.integers(1, 2),
        "vocab_size": st.integers(2, 130),
        "n_inner": st.none() | st.sampled_from([32, 128, 33, 7, 64]),
        "activation_function": st.sampled_from(["gelu", "gelu_new", "relu"]),
        "tie_word_embeddings": st.booleans(),
    }
)
actions = st.lists(
    st.sampled_from(["decode", "decode", "reorder", "rewind", "prefill"]), min_size=1, max_size=8
)


@DTYPES
@BY
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=shapes,
    head_size=st.sampled_from([16, 32, 64, 9]),
    actions=actions,
    data=st.lists(st.integers(0, 10_000), min_size=8, max_size=8),
)
def test_random_shapes_and_doings(choose, by_tiles, dtype, shape, head_size, actions, data):
    """Some fill tiles or digits in all their products, some in a few, some in none."""
    choose(by_tiles)
    ours, theirs = pair(random_module(**{**shape, "n_embd": shape["n_head"] * head_size}), dtype)
    assert_alike_through(ours, theirs, actions, data, shape["vocab_size"])


@BY
@pytest.mark.parametrize("length", [59, 60, 61, 150])
def test_int8_reads_long_texts_piece_by_piece(choose, by_tiles, length):
    choose(by_tiles)
    module = random_module(n_positions=200, n_embd=64, initializer_range=0.1)
    ours, theirs = pair(module, INT8)
    assert_close(ours.prefill(tokens(length)), theirs.prefill(tokens(length)))
    assert_close(ours.decode([5]), theirs.decode([5]))
    with torch.inference_mode():
        every = theirs._model(torch.tensor([tokens(length)])).logits[0].float()
    assert_close(torch.cat([one.clone() for one in ours.all_logits(tokens(length))]), every)
    assert_close(ours.decode([6]), theirs.decode([6]))  # scoring left the rows alone


def test_a_row_of_zeros_stays_one():
    module = random_module(n_embd=64)
    module.transformer.wte.weight.data[7] = 0
    logits = behind("native", module, INT8).prefill([7, 3])
    assert torch.isfinite(logits).all()
    assert logits[0, 7] == 0


@DTYPES
@BY
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_not_lost(choose, by_tiles, dtype, value):
    """Floats that are written in digits have none for it."""
    choose(by_tiles)
    module = random_module(n_embd=64, n_inner=192)
    module.transformer.h[0].mlp.c_fc.bias.data[3] = value
    logits = behind("native", module, dtype).prefill(tokens(9))
    assert logits.isnan().all()


def test_int8_is_for_the_kernel_alone():
    weights = behind("native", random_module(), INT8)._weights
    config = gpt2_config(random_module().config.to_dict())
    with pytest.raises(ValueError, match="torch was asked for"):
        Gpt2Model(weights, config, is_native=False)


def test_int8_weights_take_a_byte_and_keep_half_a_unit():
    module = random_module(n_embd=64)
    weights = behind("native", module, INT8)._weights
    exact = module.transformer.h[1].mlp.c_fc.weight.data.t()
    layer = weights.layers[1]
    assert weights.head is weights.tokens
    assert (layer.up.dtype, layer.up.element_size()) == (torch.int8, 1)
    assert layer.up.abs().max(dim=1).values.eq(127).all()
    error = (layer.up * layer.up_scale[:, None] - exact).abs() / layer.up_scale[:, None]
    assert float(error.max()) <= 0.5 + 1e-4
