"""The ways a GPT-2 can run on a GPU, over one copy of its weights, without a file of them.

Must never download anything. On a processor the same code runs, with a recording that records
nothing: so the benchmark can be tried where there is no GPU.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from benchmarks.contenders import MODES, Generate, Timing, timing
from benchmarks.models import SHAPES, name_more_tokens
from core.decoding.engine import generate
from core.models.base import CausalModel
from core.models.catalog import DEMO, model_folder
from core.models.gpt2.config import gpt2_config
from core.models.gpt2.graph.recording import capture_on_gpu
from core.models.gpt2.model import Gpt2Model
from core.models.gpt2.weights import take_weights
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Event, TokenStep
from core.text.codec import TextCodec

TINY = "tiny"
"""A shape that runs in moments anywhere."""

_SHAPES = {**SHAPES, TINY: {"n_embd": 64, "n_layer": 3, "n_head": 2}}
GPU_MODELS = tuple(_SHAPES)
WAYS = ("plain torch", "graph", "compiled graph")

_SHARPNESS = 8.0
"""Of the last LayerNorm, so that a nucleus holds some tokens and not most of them."""


def random_module(name: str, dtype: torch.dtype, device: str) -> Any:  # noqa: ANN401
    """Return transformers' GPT-2 of a shape, with random weights; no token ends its text."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    with torch.device(device):
        config = GPT2Config(bos_token_id=None, eos_token_id=None, **_SHAPES[name])
        module: Any = GPT2LMHeadModel(config)
    torch.nn.init.constant_(module.transformer.ln_f.weight, _SHARPNESS)
    module.generation_config.eos_token_id = None
    return module.to(dtype).eval()


def demo_module(device: str) -> Any:  # noqa: ANN401
    """Return the bundled model behind transformers, float32; no token ends its text."""
    from transformers import AutoModelForCausalLM

    module: Any = AutoModelForCausalLM.from_pretrained(model_folder(DEMO), dtype=torch.float32)
    module.config.eos_token_id = module.generation_config.eos_token_id = None
    return module.to(device).eval()


def codec(vocabulary_size: int, folder: Path) -> TextCodec:
    """Return a codec with a text for every token of a model; ``folder`` is for its file."""
    place = folder / "tokenizer.json"
    shutil.copy(model_folder(DEMO) / "tokenizer.json", place)
    if Tokenizer.from_file(str(place)).get_vocab_size() < vocabulary_size:
        name_more_tokens(place)
    return TextCodec(Tokenizer.from_file(str(place)))


def behind_all_ways(
    module: Any,  # noqa: ANN401
    report: Callable[[str], None] = lambda stage: None,
) -> Iterator[tuple[str, Gpt2Model, float]]:
    """Yield each of ``WAYS``, the model that runs so, and the seconds that preparing it took.

    All share one copy of the weights. ``kernel`` of a model says where its way failed.
    """
    config = gpt2_config(module.config.to_dict(), module.generation_config.to_dict())
    tensors = module.state_dict()
    device = module.lm_head.weight.device
    weights = take_weights(
        lambda name: tensors[name].detach(),
        config,
        device,
        module.lm_head.weight.dtype,
        lambda share: None,
        lambda tensor: None,
    )
    capture = capture_on_gpu if device.type == "cuda" else _unrecorded
    for way in WAYS:
        began = time.perf_counter()
        model = Gpt2Model(
            weights,
            config,
            is_native=False,
            capture=_refused if way == "plain torch" else capture,
            is_compiled=way == "compiled graph",
            report=report,
        )
        yield way, model, time.perf_counter() - began


Step = Callable[[], torch.Tensor]


def _refused(step: Step) -> Step:
    raise RuntimeError("left out on purpose")


def _unrecorded(step: Step) -> Step:
    return step


class StepByStep:
    """A model whose next step waits until this one is read."""

    def __init__(self, model: Gpt2Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name in ("looks_ahead", "decode_ahead", "settle"):
            raise AttributeError(name)
        return getattr(self._model, name)


def ways_to_decode(model: Gpt2Model) -> dict[str, CausalModel]:
    """Return ``model`` as it is, and without the look ahead."""
    step_by_step: Any = StepByStep(model)
    return {"ahead": model, "step by step": step_by_step}


def events_of(
    model: CausalModel, texts: TextCodec, prompt: list[int], settings: Settings
) -> Iterator[Event]:
    """Continue ``prompt``."""
    return generate(model, texts, Request("", settings, tuple(prompt)), bool)


@dataclass(slots=True)
class Way:
    """One way to decode; see ``contenders.Contender``."""

    name: str
    model: CausalModel
    texts: TextCodec
    modes: tuple[str, ...] = tuple(MODES)

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """Continue ``prompt`` by ``steps`` tokens."""
        settings = Settings(max_new_tokens=steps, seed=1, **MODES[mode])
        events = events_of(self.model, self.texts, prompt, settings)
        ends = [time.perf_counter() for one in events if isinstance(one, TokenStep | BeamStep)]
        return timing(ends)


class EagerGenerate(Generate):
    """transformers' ``generate()`` over a module that is here already.

    ``has_cudnn`` says whether torch may choose cuDNN's attention, which plans anew for each length.
    """

    def __init__(self, module: Any, device: str, *, has_cudnn: bool) -> None:  # noqa: ANN401
        self.module, self.device, self._has_cudnn = module, device, has_cudnn
        self.name = "generate()" if has_cudnn else "generate() without cuDNN's attention"

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``."""
        torch.backends.cuda.enable_cudnn_sdp(self._has_cudnn)
        try:
            return super().run(mode, prompt, steps)
        finally:
            torch.backends.cuda.enable_cudnn_sdp(enabled=False)  # as the app has it
