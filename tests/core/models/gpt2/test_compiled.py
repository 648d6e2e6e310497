"""The compiled step against transformers, on the processor: inductor makes C++ of it here."""

from __future__ import annotations

import os
import shutil

import pytest
import torch

from core.models.any.model import TransformersModel
from core.models.gpt2.cache import FIRST_POSITIONS
from core.models.gpt2.graph import compiled as gpt2_compiled
from core.models.gpt2.model import Gpt2Model
from core.records.settings import Settings
from tests.core.models.gpt2.test_gpt2 import assert_close, random_module, tokens
from tests.reference import behind, byte_codec, recorded_on_cpu, run_ours

needs_compiler = pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "g++")) is None, reason="there is no compiler for C++"
)


@pytest.fixture(scope="module")
def module():
    shape = {"n_layer": 3, "n_inner": 40, "n_positions": 300}
    return random_module(**shape, scale_attn_by_inverse_layer_idx=True)


def recorded(module, dtype=torch.float32, **how):
    base = behind("torch", module, dtype)
    return Gpt2Model(base._weights, base._config, is_native=False, capture=recorded_on_cpu, **how)


@needs_compiler
def test_the_compiled_step_is_the_step(module):
    """Alone and with beams, to the end of the context, after reorders and rewinds."""
    from torch._dynamo.utils import counters  # it takes a second, for one test

    told = []
    ours, theirs = recorded(module, is_compiled=True, report=told.append), TransformersModel(module)
    assert (ours.kernel, told) == ("CUDA graph, compiled", ["compiling the decoding step"])
    compiled = counters["stats"]["unique_graphs"]
    assert compiled >= 6
    for model in (ours, theirs):
        model.prefill(tokens(3))
    for at in range(3, 30):
        assert_close(ours.decode([at]), theirs.decode([at]))
    assert ours._cache.capacity == 300
    for model in (ours, theirs):
        model.reorder([0] * 5)
    assert ours._cache.capacity == FIRST_POSITIONS  # five times all positions would be too much
    for step in range(270):
        new = tokens(5, offset=step)
        assert_close(ours.decode(new), theirs.decode(new))
        parents = [(step * at) % 5 for at in (1, 2, 3, 4, 5)]
        ours.reorder(parents)
        theirs.reorder(parents)
    assert ours._cache.capacity == 300
    for model in (ours, theirs):
        model.rewind(20, row=3)
    assert_close(ours.decode([7]), theirs.decode([7]))
    for model in (ours, theirs):
        model.reorder([0] * 3)
    assert_close(ours.decode([7, 8, 9]), theirs.decode([7, 8, 9]))
    # Neither a layer, nor a position, nor another number of beams, nor more room is compiled for.
    assert counters["stats"]["unique_graphs"] == compiled

    chosen = Settings(max_new_tokens=20, do_sample=True, seed=4, top_p=0.9)
    runs = [run_ours(one, byte_codec(), chosen, context=(1, 2)) for one in (ours, theirs)]
    assert runs[0].finished.token_ids == runs[1].finished.token_ids


def test_what_cannot_be_compiled_is_recorded_as_it_is(module, monkeypatch):
    def refuse(weights, config):
        raise ImportError("there is no compiler\nmore")

    monkeypatch.setattr("core.models.gpt2.graph.step.compiled_layers", refuse)
    told = []
    ours = recorded(module, is_compiled=True, report=told.append)
    assert ours.kernel == "CUDA graph, not compiled: there is no compiler"
    assert told == ["compiling the decoding step", "recording the decoding step"]
    theirs = TransformersModel(module)
    for model in (ours, theirs):
        model.prefill(tokens(3))
    assert_close(ours.decode([4]), theirs.decode([4]))


def test_nothing_is_compiled_where_nobody_asked(module, monkeypatch):
    monkeypatch.setattr("core.models.gpt2.graph.step.compiled_layers", None)
    assert recorded(module).kernel == "CUDA graph"
    for value in ("0", ""):
        monkeypatch.setenv(gpt2_compiled.SWITCH, value)
        assert not gpt2_compiled.is_wanted()
    monkeypatch.delenv(gpt2_compiled.SWITCH)
    assert not gpt2_compiled.is_wanted()  # the first token of a GPU does not wait for a compiler
    monkeypatch.setenv(gpt2_compiled.SWITCH, "1")
    assert gpt2_compiled.is_wanted()
