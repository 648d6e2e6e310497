"""Every way to run on a device that lacks float64 and some operations, as Apple's GPUs do.

A stand-in on the processor: what is computed from a model's tensors counts as on that device until
it is copied to the host. Which operations Apple's GPUs have is read from torch's own list.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
import torchgen
import yaml
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from core.decoding.weighing.figures import figures_of, figures_tensor, row_figures
from core.looking_back.dice import Dice
from core.looking_back.explain import explain
from core.looking_back.given_text.scoring import score_tokens
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.any.model import TransformersModel
from core.presets.book import Preset
from core.records.settings import Settings
from tests.core.looking_back.recorded import CODEC, recorded
from tests.core.models.any.test_any_architecture import FAMILIES, config_of, module_of
from tests.core.models.gpt2.test_gpt2 import random_module
from tests.reference import behind, run_ours

LACKED = (torch.float64, torch.complex128)


@cache
def listed():
    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    functions = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return {one["func"].partition("(")[0]: one for one in functions}


@cache
def has(name):
    """Whether Apple's GPUs have an operation, by itself or made of others."""
    if "scaled_dot_product" in name:  # each device has attention by another name
        return True
    function = listed().get(name.removesuffix(".default"))
    if function is None:
        return False
    kinds = {kind.strip() for one in function.get("dispatch", {}) for kind in one.split(",")}
    if "structured_delegate" in function:
        return has(function["structured_delegate"])
    return not kinds or "MPS" in kinds or any(kind.startswith("Composite") for kind in kinds)


class Lacking(TorchDispatchMode):
    """Refuses what the device lacks wherever one of its tensors takes part."""

    def __init__(self):
        super().__init__()
        self.device = WeakTensorKeyDictionary()
        self.seen = set()

    def put(self, tensors):
        for one in tensors:
            self.device[one] = True

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        result = func(*args, **(kwargs or {}))
        if any(one in self.device for one in given):
            made = [one for one in tree_leaves(result) if isinstance(one, torch.Tensor)]
            name = str(func).removeprefix("aten.")
            self.seen.add(name)
            if any(one.dtype in LACKED for one in (*given, *made)):
                raise TypeError(f"{name}: the device has no float64")
            if not has(name):
                raise NotImplementedError(f"the device has no {name}")
            self.put(made)
        return result


def tensors_of(model):
    if isinstance(model, TransformersModel):
        return [*model.module.parameters(), *model.module.buffers()]
    weights = model._weights
    layers = [getattr(one, name) for one in weights.layers for name in one.__slots__]
    found = [weights.tokens, weights.positions, weights.head, weights.ln_f_weight, *layers]
    return [one for one in found if one is not None]


@pytest.fixture
def lacking(monkeypatch):
    """The stand-in; the program takes the ways that it takes on any device but the processor."""
    mode = Lacking()

    def to_the_host(tensor):
        with torch.utils._python_dispatch._disable_current_modes():
            return tensor.clone()

    monkeypatch.setattr(torch.Tensor, "cpu", to_the_host)
    monkeypatch.setattr("core.decoding.weighing.figures._native", lambda rows, count: None)
    monkeypatch.setattr("core.decoding.weighing.step._draws_are_known", lambda: False)
    monkeypatch.setattr("core.decoding.weighing.step.draw_natively", lambda *given: None)
    monkeypatch.setattr(
        "core.decoding.weighing.quick_warpers.open_library", lambda **given: None, raising=False
    )
    return mode


SETTINGS = {
    "greedy": Settings(max_new_tokens=6, repetition_penalty=1.2, no_repeat_ngram_size=2),
    "nucleus": Settings(max_new_tokens=6, do_sample=True, top_p=0.9, top_k=0, seed=1),
    "sample": Settings(max_new_tokens=6, do_sample=True, temperature=1.2, top_k=9, seed=1),
    "typical": Settings(max_new_tokens=6, do_sample=True, typical_p=0.8, min_p=0.001, seed=1),
    "beams": Settings(max_new_tokens=6, num_beams=3, no_repeat_ngram_size=2),
    "drawn beams": Settings(max_new_tokens=6, num_beams=3, do_sample=True, top_k=9, seed=1),
}


def model_of(engine):
    if engine in ("torch", "transformers"):
        return behind(engine, random_module(vocab_size=5000), torch.float32)
    return TransformersModel(module_of(config_of(engine, FAMILIES[engine])).float())


@pytest.mark.parametrize("engine", ["torch", "transformers", "llama", "gpt_neox"])
def test_nothing_needs_what_the_device_lacks(lacking, engine):
    """Runs in every mode, a fork, looking back, scrubbing and a score."""
    model = model_of(engine)
    lacking.put(tensors_of(model))
    presets = [Preset(name, "", "", one) for name, one in SETTINGS.items()]
    with lacking:
        for name, settings in SETTINGS.items():
            ours = run_ours(model, CODEC, settings, context=(5, 6, 7))
            assert len(ours.finished.token_ids) == 6, name
        fork = run_ours(model, CODEC, SETTINGS["greedy"], context=(5, 6, 7, 8))
        assert fork.steps
        run, _ = recorded(model, CODEC, SETTINGS["nucleus"], context=(5, 6, 7))
        assert Dice(run).times(1).dtype == torch.float32
        assert explain(run, 1).rows
        assert scrub(Sweeper(run), SETTINGS["sample"]).steps
        scored = score_tokens(model, CODEC, (5, 6), (7, 8, 9), presets)
        assert len(scored.tokens) == 3
    seen = {one.partition(".")[0] for one in lacking.seen}
    assert seen >= {"topk", "sort", "_log_softmax", "exponential_"}
    assert len(lacking.seen) > 30


def test_the_stand_in_refuses(lacking):
    tensor = torch.ones(3)
    lacking.put([tensor])
    with lacking:
        with pytest.raises(TypeError, match="float64"):
            (tensor * 2).double()
        with pytest.raises(NotImplementedError, match="no linalg_eig"):
            torch.linalg.eigvals(torch.eye(3) * tensor)
        assert tensor.cpu().double().dtype == torch.float64


def test_figures_are_exact_without_float64():
    """The last tokens of the largest vocabularies, too."""
    scores = torch.randn(2, 300_000)
    scores[0, 299_999] = scores[1, 299_998] = 9.0
    numbers = figures_tensor(scores, 5)
    assert numbers.dtype == torch.float32
    for row, exact in zip(numbers.tolist(), row_figures(scores, 5), strict=True):
        assert figures_of(row).token_ids == exact.token_ids
        assert figures_of(row).kept == 300_000
        assert figures_of(row).values == exact.values
