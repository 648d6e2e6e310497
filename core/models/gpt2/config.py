"""What the fast path must know of a GPT-2's configuration, and which ones it cannot run.

Must never import torch or transformers: config.json is read as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files.reading import FileError, MissingFileError, read_json_object
from core.models.files.config_sizes import CONFIG_NAME, check_sizes
from core.records.errors import PlaygroundError
from core.text.token_ids import configured_token_ids

ACTIVATIONS = (
    "gelu",
    "gelu_new",
    "gelu_pytorch_tanh",
    "relu",
    "silu",
    "swish",
    "tanh",
    "sigmoid",
    "quick_gelu",
)
"""The activations, by transformers' names, that the fast path has."""

_DEFAULT_TOKEN_ID = 50256
"""What transformers' GPT2Config takes for both ends of a text where none are named."""

_LARGEST_FILE = 8 * 2**20


class NotFastError(PlaygroundError):
    """The fast path cannot run this model; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Gpt2Config:
    """The shape of a GPT-2; fields are transformers', sizes count elements.

    ``attention_scales`` holds the factor of each layer's attention scores.
    """

    vocab_size: int
    n_positions: int
    n_embd: int
    n_layer: int
    n_head: int
    n_inner: int
    activation_function: str
    layer_norm_epsilon: float
    attention_scales: tuple[float, ...]
    tie_word_embeddings: bool
    eos_token_ids: tuple[int, ...]
    bos_token_id: int | None

    @property
    def head_size(self) -> int:
        """The length of one head's query, key or value."""
        return self.n_embd // self.n_head


def read_gpt2_config(folder: Path, name: str) -> Gpt2Config:
    """Return the configuration of the model in ``folder``, which sentences call ``name``.

    Raises:
        NotFastError: It is no GPT-2, or one that only transformers can run.
        PlaygroundError: It names token ids that are none, or its sizes are absurd.
    """
    if (folder / "adapter_config.json").exists():
        raise NotFastError("the fast engine does not know adapters")
    mapping = _json(folder / CONFIG_NAME) or {}
    check_sizes(mapping, name)
    return gpt2_config(mapping, _json(folder / "generation_config.json"))


def gpt2_config(
    mapping: Mapping[str, Any], generation: Mapping[str, Any] | None = None
) -> Gpt2Config:
    """Return the configuration that config.json and generation_config.json mean.

    Raises:
        NotFastError: The fast path cannot run it.
        PlaygroundError: It names token ids that are none.
    """
    _check_kind(mapping)
    embedding = _size(mapping, "n_embd", "hidden_size", 768)
    heads = _size(mapping, "n_head", "num_attention_heads", 12)
    layers = _size(mapping, "n_layer", "num_hidden_layers", 12)
    if embedding % heads:
        raise NotFastError(f"{embedding} channels cannot be shared by {heads} heads")
    ends = mapping if generation is None else generation
    default = _DEFAULT_TOKEN_ID if generation is None else None
    eos = configured_token_ids("eos_token_id", ends.get("eos_token_id", default))
    bos = configured_token_ids("bos_token_id", ends.get("bos_token_id", default))
    return Gpt2Config(
        vocab_size=_size(mapping, "vocab_size", "vocab_size", 50257),
        n_positions=_size(mapping, "n_positions", "max_position_embeddings", 1024),
        n_embd=embedding,
        n_layer=layers,
        n_head=heads,
        n_inner=4 * embedding
        if mapping.get("n_inner") is None
        else _size(mapping, "n_inner", "n_inner", 0),
        activation_function=mapping.get("activation_function", "gelu_new"),
        layer_norm_epsilon=_epsilon(mapping),
        attention_scales=_attention_scales(mapping, embedding // heads, layers),
        tie_word_embeddings=bool(mapping.get("tie_word_embeddings", True)),
        eos_token_ids=eos,
        bos_token_id=bos[0] if bos else None,
    )


def _check_kind(mapping: Mapping[str, Any]) -> None:
    kind = mapping.get("model_type")
    if kind != "gpt2":
        raise NotFastError(f"the model is a {kind}, and the fast engine runs GPT-2 alone")
    architectures = mapping.get("architectures") or ["GPT2LMHeadModel"]
    if not isinstance(architectures, list):
        raise NotFastError(f"{CONFIG_NAME} sets architectures to what is no list")
    if "GPT2LMHeadModel" not in architectures:
        raise NotFastError(f"the model is a {architectures[0]}, not a GPT2LMHeadModel")
    for name in ("add_cross_attention", "quantization_config", "transformers_weights"):
        if mapping.get(name):
            raise NotFastError(f"the fast engine does not know {name}")
    activation = mapping.get("activation_function", "gelu_new")
    if activation not in ACTIVATIONS:
        raise NotFastError(f"the fast engine does not know the activation {activation!r}")


def _attention_scales(mapping: Mapping[str, Any], head_size: int, layers: int) -> tuple[float, ...]:
    scale = head_size**-0.5 if mapping.get("scale_attn_weights", True) else 1.0
    is_by_layer = bool(mapping.get("scale_attn_by_inverse_layer_idx", False))
    return tuple(scale / (layer + 1) if is_by_layer else scale for layer in range(layers))


def _size(mapping: Mapping[str, Any], name: str, other_name: str, default: int) -> int:
    """Return a size under either of the names by which transformers reads it."""
    value = mapping.get(name, mapping.get(other_name, default))
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise NotFastError(f"{CONFIG_NAME} sets {name} to {value!r}, which is no size")
    return value


def _epsilon(mapping: Mapping[str, Any]) -> float:
    value = mapping.get("layer_norm_epsilon", 1e-5)
    # transformers, too, takes no whole number here.
    if not isinstance(value, float):
        raise NotFastError(f"{CONFIG_NAME} sets layer_norm_epsilon to {value!r}, which is no float")
    return value


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return read_json_object(path, _LARGEST_FILE)
    except MissingFileError:
        return None
    except FileError as error:
        raise NotFastError(f"{path.name} {error.fault}") from None
