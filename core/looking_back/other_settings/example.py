"""One distribution, and what any one setting does to it: the pictures of the settings' pages.

The model's share is made up, so that it is the same everywhere; what the settings do is done by the
processors of a run. Must never run a model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import draw
from core.records.settings import SAMPLING_ONLY, Settings

_WEIGHED = (
    *((" sat", 0.3), (" was", 0.18), (" ran", 0.12), (" slept", 0.09), (" is", 0.07)),
    *((" had", 0.055), (".", 0.05), (" purred", 0.04), (" cat", 0.03), (" mat", 0.025)),
    *(("<end>", 0.02), (" dog", 0.012), (" quark", 0.006), (" zebra", 0.002)),
)
_WITHOUT = (0.05, 0.3, 0.02, 0.02, 0.3, 0.15, 0.06, 0.005, 0.01, 0.005, 0.03, 0.02, 0.02, 0.01)
"""What is expected of any text, where nothing is said of a cat."""

_SAT, _WAS, _STOP, _CAT, _MAT, _END, _DOG = 0, 1, 6, 8, 9, 10, 11
_CONTEXT = (_CAT, _SAT, _MAT, _STOP, _CAT)
_PROMPT_LENGTH = 4
PROSE = "… cat sat mat. cat"
"""What stands before the token, the last one written by the run."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One token of the example: chances before and after the setting, 0 to 1.

    ``is_cut`` is whether the setting removed it, ``is_chosen`` whether it was taken then.
    """

    text: str
    before: float
    after: float
    is_cut: bool
    is_chosen: bool


_TURNED: dict[str, tuple[Any, ...]] = {
    "temperature": (0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0),
    "top_h": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "top_k": (1, 2, 3, 5, 8, 12, 0),
    "top_p": (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
    "min_p": (None, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    "typical_p": (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 1.0),
    "epsilon_cutoff": (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "eta_cutoff": (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    "repetition_penalty": (0.5, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0),
    "no_repeat_ngram_size": (0, 1, 2, 3),
    "guidance_scale": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0),
    "negative_prompt_ids": (None, (_DOG,)),
    "sequence_bias": tuple((((_DOG,), bias),) for bias in (-5.0, -2.0, 0.0, 1.0, 2.0, 4.0, 6.0)),
    "bad_words_ids": ((), ((_SAT,),), ((_SAT,), (_WAS,)), ((_CAT, _SAT),), ((_MAT, _WAS),)),
    "suppress_tokens": ((), (_SAT,), (_SAT, _WAS), (_SAT, _WAS, _END)),
    "begin_suppress_tokens": ((), (_SAT,), (_SAT, _WAS)),
    "min_length": (0, 5, 6, 9),
    "min_new_tokens": (0, 1, 2, 5),
    "max_new_tokens": (1, 2, 3, 20),
    "max_length": (5, 6, 7, 20),
    "forced_eos_token_id": ((), (_END,), (_END, _STOP)),
    "exponential_decay_length_penalty": tuple((0, one) for one in (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)),
    "eos_token_id": ((), (_STOP,), (_END, _STOP)),
    "stop_strings": ((), (".",), ("purr",)),
    "remove_invalid_values": (False, True),
    "renormalize_logits": (False, True),
    "do_sample": (False, True),
    "seed": (0, 1, 2, 3, 4, 5, 6, 7),
    "num_beams": (1, 2, 3, 5),
    "length_penalty": (-2.0, -1.0, 0.0, 1.0, 2.0),
    "early_stopping": (False, True, "never"),
}
_BESIDE: dict[str, dict[str, Any]] = {
    "negative_prompt_ids": {"guidance_scale": 2.0},
    "forced_eos_token_id": {"max_new_tokens": 2},
    "seed": {"do_sample": True},
    "length_penalty": {"num_beams": 2},
    "early_stopping": {"num_beams": 2},
}
"""What a setting needs beside it to act on the example."""

NAMES: tuple[str, ...] = tuple(_TURNED)


def values(name: str) -> tuple[Any, ...]:
    """Return the values that the page of a setting turns through, from left to right."""
    return _TURNED[name]


def shown(name: str, value: Any) -> str:  # noqa: ANN401 - whatever a setting is
    """Return a value as a person reads it, token ids as the example's texts."""
    if name in ("seed", "do_sample", "early_stopping", "remove_invalid_values"):
        return str(value).lower()
    if name == "stop_strings":
        return ", ".join(map(repr, value)) or "none"
    if isinstance(value, tuple):
        if name == "exponential_decay_length_penalty":
            return f"{value[1]:g} from the first token on"
        return ", ".join(map(_told, value)) or "none"
    return "off" if value is None else str(value).lower()


def _told(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, int):
        return repr(_WEIGHED[value][0])
    if isinstance(value[0], tuple):
        return f"{_told(value[0])} {value[1]:+g}"
    return " ".join(map(_told, value))


def start(name: str) -> int:
    """Return the place of the value that a page begins with, which is no default."""
    middle = len(values(name)) // 2
    is_default = values(name)[middle] == getattr(Settings(), name)
    return middle - 1 if is_default else middle


def weighed(name: str, value: Any) -> tuple[Weighed, ...]:  # noqa: ANN401
    """Return the example's tokens under the setting ``name`` alone, likeliest first."""
    settings = _settings(name, value)
    logits = torch.tensor([[math.log(chance) for _, chance in _WEIGHED]])
    if settings.num_beams > 1:
        logits = torch.log_softmax(logits, dim=-1)
    prompt_length = len(_CONTEXT) if name == "begin_suppress_tokens" else _PROMPT_LENGTH
    device = torch.device("cpu")
    without = torch.tensor([_WITHOUT]).log()
    if name == "negative_prompt_ids" and value is None:
        without = torch.full_like(logits, 1 / len(_WEIGHED)).log()
    scores = logits
    for processor in build_processors(settings, prompt_length, (_END,), device, lambda _: without):
        scores = processor.process(torch.tensor([_CONTEXT]), scores)
    chosen = int(scores.argmax())
    if settings.do_sample and name not in SAMPLING_ONLY:
        generator = torch.Generator().manual_seed(settings.seed or 0)
        chosen = int(draw(scores, generator))
    after: list[float] = torch.softmax(scores, dim=-1)[0].tolist()
    is_cut: list[bool] = torch.isneginf(scores)[0].tolist()
    return tuple(
        Weighed(text, chance, after[at], is_cut[at], at == chosen)
        for at, (text, chance) in enumerate(_WEIGHED)
    )


def _settings(name: str, value: Any) -> Settings:  # noqa: ANN401
    mapping = {name: value, **_BESIDE.get(name, {})}
    if name in SAMPLING_ONLY:
        mapping = {"top_k": 0, "do_sample": True, **mapping}
    if name == "seed":
        mapping["top_k"] = 0
    return Settings(**{one: given for one, given in mapping.items() if given is not None})
