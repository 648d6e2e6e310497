"""What is known of a model before it runs: plain frozen records that a screen or a table shows.

Must never hold a tensor, a module or a tokenizer, and imports the standard library alone. Text in
these records comes from files of anywhere: whoever shows it makes it harmless first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DtypeSource = Literal["weights", "configuration", "default"]


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A token with a role. ``token_id`` is ``None`` where the vocabulary lacks its text."""

    name: str
    text: str
    token_id: int | None


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """What a tokenizer says of itself.

    ``vocabulary_size`` counts its own tokens, ``added_tokens`` those added to it later.
    ``maximum_length`` is ``None`` where its files set none.
    """

    kind: str
    vocabulary_size: int
    added_tokens: int
    maximum_length: int | None
    padding_side: str
    truncation_side: str
    special_tokens: tuple[SpecialToken, ...]


@dataclass(frozen=True, slots=True)
class ModuleNode:
    """One line of the module tree, with all below it.

    ``name`` is the attribute it has in its parent, ``(0-47)`` written ``0-47`` for a fold; empty
    at the root. ``kind`` is the class, ``description`` torch's words on it. ``count`` says how
    many identical neighbours the node stands for; all figures are those of one of them.
    ``parameters`` counts the weights of the whole subtree once each, ``own_parameters`` those of
    the module itself. ``dtype`` is ``None`` without parameters, ``mixed`` where they differ.
    ``tied_to`` names the weight that is also this module's own, counted where it comes first.
    """

    name: str
    kind: str
    description: str
    parameters: int
    own_parameters: int
    dtype: str | None
    bytes: int
    children: tuple[ModuleNode, ...] = ()
    count: int = 1
    tied_to: str | None = None


@dataclass(frozen=True, slots=True)
class TiedWeight:
    """A parameter that is the same memory as another one: ``name`` and ``same_as``."""

    name: str
    same_as: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All parameters and buffers of a model.

    ``parameters`` counts tied weights once, ``parameters_untied`` each time they are named.
    ``bytes_by_dtype`` has the parameters' bytes as stored; ``bytes_if`` what they would take when
    all were of one dtype. ``buffers`` are numbers that are not trained and mostly not stored.
    """

    parameters: int
    parameters_untied: int
    tied: tuple[TiedWeight, ...]
    bytes: int
    bytes_by_dtype: tuple[tuple[str, int], ...]
    bytes_if: tuple[tuple[str, int], ...]
    buffers: int
    buffer_bytes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The shape in a few numbers; ``None`` where the architecture has no such number."""

    layers: int | None
    heads: int | None
    key_value_heads: int | None
    hidden_size: int | None
    context_size: int | None
    vocabulary_size: int | None


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """The memory of keys and values for one sequence, in ``dtype``.

    ``sliding_layers`` of the ``layers`` keep only the last ``window`` tokens. ``formula`` shows
    how ``bytes_per_token`` comes about. ``bytes_at_full_context`` is ``None`` where the model
    names no context size.
    """

    layers: int
    key_value_heads: int
    head_dim: int
    dtype: str
    bytes_per_token: int
    formula: str
    context_size: int | None
    bytes_at_full_context: int | None
    sliding_layers: int = 0
    window: int | None = None


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """What the headers of the safetensors files say; no weight was read."""

    files: int
    tensors: int
    bytes: int
    bytes_by_dtype: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ModelReport:
    """All that can be known of a model without reading a weight.

    ``config_json`` is config.json as JSON text in the file's order. ``tokenizer``, ``cache`` and
    ``weights`` are ``None`` where there is none; ``tokenizer_note``, ``cache_note`` and
    ``weights_note`` then say why. ``notes`` are sentences on what is unusual.
    """

    name: str
    folder: str
    architecture: str
    model_type: str
    facts: Facts
    tokenizer: TokenizerFacts | None
    tokenizer_note: str
    config_json: str
    modules: ModuleNode
    totals: Totals
    dtype: str
    dtype_source: DtypeSource
    cache: CacheFacts | None
    cache_note: str
    weights: StoredWeights | None
    weights_note: str
    notes: tuple[str, ...] = ()
