"""The kernel with the processor's matrix tiles and without: the same logits as transformers'."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import gpt2_native
from core.models.gpt2_weights import Gpt2Weights
from core.models.native_build import native_library
from core.models.transformers_model import TransformersModel
from tests.core.test_gpt2 import assert_close, play, random_module, tokens
from tests.reference import behind

pytestmark = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")

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


def rounded(module):
    """The module that bfloat16 weights mean: matrices are rounded, all else is not."""
    module = copy.deepcopy(module)
    for name, parameter in module.named_parameters():
        if parameter.ndim == 2 and "wpe" not in name:
            parameter.data = parameter.data.bfloat16().float()
    return module


def pair(module):
    return behind("native", module, torch.bfloat16), TransformersModel(rounded(module))


@BY
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 16])
def test_every_batch(choose, by_tiles, rows):
    """From one group of lanes to three; the vocabulary leaves a row that fills no tile."""
    choose(by_tiles)
    ours, theirs = pair(random_module(n_embd=96, n_head=3, initializer_range=0.1))
    for model in (ours, theirs):
        model.prefill(tokens(5))
        model.reorder([0] * rows)
    for step in range(3):
        new = tokens(rows, offset=step)
        assert_close(ours.decode(new), theirs.decode(new))


@BY
@pytest.mark.parametrize("length", [1, 2, 8, 9, 23])
def test_every_prompt(choose, by_tiles, length):
    choose(by_tiles)
    ours, theirs = pair(random_module(n_embd=64, n_inner=32, initializer_range=0.1))
    assert_close(ours.prefill(tokens(length)), theirs.prefill(tokens(length)))
    assert_close(ours.decode([5]), theirs.decode([5]))


shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "n_head": st.sampled_from([1, 2, 4]),
        "n_layer": st.integers(1, 2),
        "vocab_size": st.integers(2, 130),
        "n_inner": st.none() | st.sampled_from([32, 96, 33, 7, 64]),
        "activation_function": st.sampled_from(["gelu", "gelu_new", "relu"]),
        "tie_word_embeddings": st.booleans(),
    }
)
actions = st.lists(
    st.sampled_from(["decode", "decode", "reorder", "rewind", "prefill"]), min_size=1, max_size=8
)


@BY
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=shapes,
    head_size=st.sampled_from([8, 16, 32, 9]),
    actions=actions,
    data=st.lists(st.integers(0, 10_000), min_size=8, max_size=8),
)
def test_random_shapes_and_doings(choose, by_tiles, shape, head_size, actions, data):
    """Some fill tiles in all their products, some in a few, some in none."""
    choose(by_tiles)
    ours, theirs = pair(random_module(**{**shape, "n_embd": shape["n_head"] * head_size}))
    for model in (ours, theirs):
        model.prefill(tokens(3, shape["vocab_size"]))
    for action, number in zip(actions, data, strict=False):
        if not ours.rows[0] and action == "decode":
            continue
        results = [play(model, action, number) for model in (ours, theirs)]
        assert ours.rows == theirs.rows
        if results[0] is not None:
            assert_close(*results)
