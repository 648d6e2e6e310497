"""transformers' own ``generate()`` and small models: what the engine is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import transformers
from packaging.version import Version
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import GenerationMixin, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers.generation.logits_process import ExponentialDecayLengthPenalty

from core.decoding.engine import generate
from core.models.any.model import TransformersModel
from core.models.base import CausalModel
from core.models.gpt2.config import gpt2_config
from core.models.gpt2.kernel.build import native_library
from core.models.gpt2.model import Gpt2Model
from core.models.gpt2.weights import take_weights
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Event, Finished, Started, TokenStep
from core.text.codec import TextCodec


def byte_codec() -> TextCodec:
    """A byte-level tokenizer without merges: token ids 0 to 255 are single bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({one: at for at, one in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return TextCodec(tokenizer)


def tiny_gpt2(
    seed: int,
    *,
    vocab_size: int = 24,
    n_positions: int = 48,
    eos_token_id: int | list[int] | None = 0,
    sharpness: float = 0.6,
    **config: Any,
) -> PreTrainedModel:
    """A random GPT-2 in float64, where rounding decides no tie."""
    torch.manual_seed(seed)
    settings = {"n_embd": 16, "n_layer": 2, "n_head": 2, **config}
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocab_size,
            n_positions=n_positions,
            bos_token_id=0,
            eos_token_id=eos_token_id,
            initializer_range=sharpness,
            **settings,
        )
    )
    model.generation_config.eos_token_id = eos_token_id
    return model.double().eval()


def recorded_on_cpu(step: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """A recording without a GPU: like one there, it writes its result to the same tensor each time.

    Before it does, it spoils what stands there: nobody may still want that.
    """
    result = step().clone()

    def replay() -> torch.Tensor:
        result.fill_(torch.nan)
        return result.copy_(step())

    return replay


NATIVE = pytest.param(
    "native",
    marks=pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-"),
)
ENGINES = ("transformers", "torch", "graph", NATIVE)
"""What can run a GPT-2: transformers, and the fast path without its kernel, recorded, and with."""


def behind(engine: str, module: PreTrainedModel, dtype: torch.dtype | None = None) -> CausalModel:
    """``module`` behind the contract; the fast path copies its weights, in ``dtype``."""
    if engine == "transformers":
        return TransformersModel(module)
    config = gpt2_config(module.config.to_dict(), module.generation_config.to_dict())
    tensors = {name: tensor.detach() for name, tensor in module.state_dict().items()}
    weights = take_weights(
        tensors.__getitem__,
        config,
        torch.device("cpu"),
        dtype or module.dtype,
        lambda share: None,
        lambda tensor: None,
    )
    if engine == "graph":
        return Gpt2Model(weights, config, is_native=False, capture=recorded_on_cpu)
    model = Gpt2Model(weights, config, is_native=engine == "native")
    assert model.kernel.startswith(engine), model.kernel
    return model


SORTS_DRAWN_BEAMS = Version(transformers.__version__) >= Version("5.24")
"""Whether ``generate()`` puts the continuations that beam sampling draws in falling score, as ours
does with any version; before, it left them in the order in which they were drawn, of which the
first ``num_beams`` alone may end."""


def drawn_as_of_5_24(self: GenerationMixin, **arguments: Any) -> tuple[torch.Tensor, ...]:
    scores, *others = _continuations(self, **arguments)
    if not arguments["do_sample"]:
        return scores, *others
    fallen, order = scores.sort(dim=-1, descending=True)
    return fallen, *(one.gather(1, order[..., None].expand_as(one)) for one in others)


_continuations = GenerationMixin._get_top_k_continuations


_DECAYED = ExponentialDecayLengthPenalty((0, 2.0), 0, 0)(
    torch.tensor([[1]]), torch.tensor([[-torch.inf, 0.0]])
)
DECAY_GIVES_NO_NUMBER = bool(_DECAYED.isnan().any())
"""Whether ``generate()`` makes no number of an end of text that a setting removed before; from 5.24
on it leaves it, as ours does."""


def decay_as_of_5_24(
    self: ExponentialDecayLengthPenalty, token_ids: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    return torch.where(scores.isneginf(), scores, _decay(self, token_ids, scores))


_decay = ExponentialDecayLengthPenalty.__call__


@dataclass(frozen=True)
class Generated:
    """All that one run of ours yielded."""

    started: Started
    steps: list[TokenStep | BeamStep]
    finished: Finished


def run_ours(
    model: CausalModel,
    codec: TextCodec,
    settings: Settings,
    *,
    prompt: str = "",
    context: tuple[int, ...] = (),
) -> Generated:
    events: list[Event] = list(
        generate(model, codec, Request(prompt, settings, context), lambda: False)
    )
    started, *steps, finished = events
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    return Generated(started, steps, finished)  # type: ignore[arg-type]


def first_step(
    model: CausalModel, codec: TextCodec, settings: Settings, context: tuple[int, ...]
) -> TokenStep | BeamStep:
    """The first step of a run of ours, which is left there."""
    events = generate(model, codec, Request("", settings, context), lambda: False)
    return next(event for event in events if isinstance(event, TokenStep | BeamStep))


def run_theirs(
    model: PreTrainedModel, token_ids: tuple[int, ...], settings: Settings, **more: Any
) -> Any:
    """``model.generate()`` with the same settings, after ``torch.manual_seed`` with the seed."""
    arguments = settings.to_mapping()
    arguments.update({name: one for name, one in _as_theirs(settings).items() if name in arguments})
    seed = arguments.pop("seed", None)
    if seed is not None:
        torch.manual_seed(seed)
    inputs = torch.tensor([token_ids])
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        if not SORTS_DRAWN_BEAMS:
            patch.setattr(GenerationMixin, "_get_top_k_continuations", drawn_as_of_5_24)
        if DECAY_GIVES_NO_NUMBER:
            patch.setattr(ExponentialDecayLengthPenalty, "__call__", decay_as_of_5_24)
        return model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            pad_token_id=0,
            return_dict_in_generate=True,
            output_scores=True,
            output_logits=True,
            **arguments,
            **more,
        )


def _as_theirs(settings: Settings) -> dict[str, Any]:
    """The settings that ``generate()`` takes in another form than ours."""
    negative = torch.tensor([settings.negative_prompt_ids or (0,)] * settings.num_beams)
    return {
        "sequence_bias": dict(settings.sequence_bias),
        "exponential_decay_length_penalty": settings.exponential_decay_length_penalty,
        "negative_prompt_ids": negative,
    }


def new_tokens(output: Any, token_ids: tuple[int, ...]) -> list[int]:
    return output.sequences[0, len(token_ids) :].tolist()
