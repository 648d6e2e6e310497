"""The weights of a GPT-2, laid out for decoding, taken tensor by tensor.

Must never hold two copies of a model, nor import transformers. Matrices become (outputs, inputs):
so a product reads them row by row, as they lie in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from core.models.files.weights import use_large_pages
from core.models.gpt2.config import Gpt2Config, NotFastError

_ALIGNMENT = 64
"""Elements; a row of a matrix begins where a cache line does."""

_TURNED_AT_ONCE = 64
"""Rows of a matrix that are turned together: whole ones do not fit the cache, and take four times
as long."""

_ROUNDED_AT_ONCE = 128
"""Rows of a matrix that are rounded to int8 together, in float32."""

MATRICES = ("qkv", "projection", "up", "down")
"""The matrices of a layer, by their names in ``LayerWeights``."""

_Placed = tuple[torch.Tensor, torch.Tensor | None]
"""A matrix and the scales of its rows."""

Take = Callable[[str], torch.Tensor]
"""Hands out a tensor of the checkpoint by its name; asked once for each."""


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One block. Matrices have shape (outputs, inputs); the others are vectors.

    Each output of an int8 matrix counts in units of its scale, shape (outputs,), float32.
    """

    ln_1_weight: torch.Tensor
    ln_1_bias: torch.Tensor
    qkv: torch.Tensor
    qkv_bias: torch.Tensor
    projection: torch.Tensor
    projection_bias: torch.Tensor
    ln_2_weight: torch.Tensor
    ln_2_bias: torch.Tensor
    up: torch.Tensor
    up_bias: torch.Tensor
    down: torch.Tensor
    down_bias: torch.Tensor
    qkv_scale: torch.Tensor | None = None
    projection_scale: torch.Tensor | None = None
    up_scale: torch.Tensor | None = None
    down_scale: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class Gpt2Weights:
    """All weights of a GPT-2.

    ``tokens`` has shape (vocabulary, embedding), as has ``head``, which is the same tensor where
    the two are tied. Matrices have the model's dtype; vectors and ``positions``, shape (context,
    embedding), have ``vector_dtype``, which activations have too: float32, or float64 in a
    float64 model. Rows of int8 ``tokens`` and ``head`` count in units of their scales.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    layers: tuple[LayerWeights, ...]
    ln_f_weight: torch.Tensor
    ln_f_bias: torch.Tensor
    head: torch.Tensor
    tokens_scale: torch.Tensor | None = None
    head_scale: torch.Tensor | None = None

    @property
    def vector_dtype(self) -> torch.dtype:
        """The dtype of everything but matrices."""
        return self.positions.dtype

    @property
    def cache_dtype(self) -> torch.dtype:
        """The dtype of keys and values: beside int8 weights bfloat16, which costs them less."""
        return torch.bfloat16 if self.tokens.dtype == torch.int8 else self.tokens.dtype

    @property
    def parameters(self) -> int:
        """The number of parameters; tied ones count once."""
        tensors = [self.tokens, self.positions, self.ln_f_weight, self.ln_f_bias]
        for layer in self.layers:
            names = [field.name for field in fields(layer) if not field.name.endswith("_scale")]
            tensors += [getattr(layer, name) for name in names]
        if self.head is not self.tokens:
            tensors.append(self.head)
        return sum(tensor.numel() for tensor in tensors)


class MatrixRoom:
    """Room for all matrices of a model in one piece: large pages then cover all of it."""

    def __init__(
        self, parameters: int, layers: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        spare = _ALIGNMENT * (len(MATRICES) * layers + 2)
        self._room = torch.empty(parameters + spare, dtype=dtype, device=device)
        use_large_pages(self._room)
        self._used = 0

    def take(self, *shape: int) -> torch.Tensor:
        """Return room for the next matrix, which is not filled."""
        begin, size = self._used, math.prod(shape)
        self._used += -(-size // _ALIGNMENT) * _ALIGNMENT
        return self._room[begin : begin + size].view(shape)


def parameter_count(config: Gpt2Config) -> int:
    """Return how many parameters a model of this configuration has."""
    width, inner = config.n_embd, config.n_inner
    layer = 4 * width * width + 2 * width * inner + 9 * width + inner
    heads = 1 if config.tie_word_embeddings else 2
    embeddings = (heads * config.vocab_size + config.n_positions) * width
    return embeddings + config.n_layer * layer + 2 * width


def take_weights(
    take: Take,
    config: Gpt2Config,
    device: torch.device,
    dtype: torch.dtype,
    report: Callable[[float], None],
    let_go: Callable[[torch.Tensor], None],
) -> Gpt2Weights:
    """Take every tensor of a checkpoint to ``device``; ``report`` takes the share done, 0 to 1.

    ``let_go`` is told of each tensor of the checkpoint that has been copied. For int8, each row of
    a matrix is divided by a scale that makes its largest weight 127, and rounded to nearest.

    Raises:
        NotFastError: A tensor is missing or has another shape than ``config`` says.
    """
    vector_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    width, inner = config.n_embd, config.n_inner

    room = MatrixRoom(parameter_count(config), config.n_layer, dtype, device)
    # One place for what is converted: allocated anew for each, it would leave holes in the heap
    # that add up to most of the model.
    largest = max(3 * width * width, width * inner)
    is_int8 = dtype == torch.int8
    staging = torch.empty(0 if is_int8 else largest, dtype=dtype, device=device)

    def checked(name: str, *shape: int) -> torch.Tensor:
        source = take(name)
        if tuple(source.shape) != shape:
            raise NotFastError(f"{name} has the shape {tuple(source.shape)}, not {shape}")
        return source

    def table(name: str, rows: int) -> _Placed:
        source = checked(name, rows, width)
        placed, scale = room.take(rows, width), None
        if is_int8:
            scale = round_rows(source.detach(), placed)
        else:
            placed.copy_(source.detach())
        let_go(source)
        return placed, scale

    def matrix(name: str, inputs: int, outputs: int) -> _Placed:
        source = checked(name, inputs, outputs)
        staged = source.detach()
        if is_int8:
            placed = room.take(outputs, inputs)
            scale = round_rows(staged.t(), placed)
            let_go(source)
            return placed, scale
        if staged.dtype != dtype or staged.device != device:
            staged = staging[: source.numel()].view(source.shape).copy_(staged)
        placed = room.take(outputs, inputs)
        for begin in range(0, inputs, _TURNED_AT_ONCE):
            rows = slice(begin, begin + _TURNED_AT_ONCE)
            placed[:, rows].copy_(staged[rows].t())
        let_go(source)
        return placed, None

    def vector(name: str, *shape: int) -> torch.Tensor:
        source = checked(name, *shape)
        placed = torch.empty(shape, dtype=vector_dtype, device=device).copy_(source.detach())
        let_go(source)
        return placed

    tokens, tokens_scale = table("transformer.wte.weight", config.vocab_size)
    layers: list[LayerWeights] = []
    for index in range(config.n_layer):
        report((index + 1) / (config.n_layer + 2))
        at = f"transformer.h.{index}."
        qkv, qkv_scale = matrix(at + "attn.c_attn.weight", width, 3 * width)
        projection, projection_scale = matrix(at + "attn.c_proj.weight", width, width)
        up, up_scale = matrix(at + "mlp.c_fc.weight", width, inner)
        down, down_scale = matrix(at + "mlp.c_proj.weight", inner, width)
        layers.append(
            LayerWeights(
                ln_1_weight=vector(at + "ln_1.weight", width),
                ln_1_bias=vector(at + "ln_1.bias", width),
                qkv=qkv,
                qkv_bias=vector(at + "attn.c_attn.bias", 3 * width),
                projection=projection,
                projection_bias=vector(at + "attn.c_proj.bias", width),
                ln_2_weight=vector(at + "ln_2.weight", width),
                ln_2_bias=vector(at + "ln_2.bias", width),
                up=up,
                up_bias=vector(at + "mlp.c_fc.bias", inner),
                down=down,
                down_bias=vector(at + "mlp.c_proj.bias", width),
                qkv_scale=qkv_scale,
                projection_scale=projection_scale,
                up_scale=up_scale,
                down_scale=down_scale,
            )
        )
    head, head_scale = tokens, tokens_scale
    if not config.tie_word_embeddings:
        head, head_scale = table("lm_head.weight", config.vocab_size)
    weights = Gpt2Weights(
        tokens=tokens,
        positions=vector("transformer.wpe.weight", config.n_positions, width),
        layers=tuple(layers),
        ln_f_weight=vector("transformer.ln_f.weight", width),
        ln_f_bias=vector("transformer.ln_f.bias", width),
        head=head,
        tokens_scale=tokens_scale,
        head_scale=head_scale,
    )
    report(1.0)
    return weights


def round_rows(rows: torch.Tensor, placed: torch.Tensor) -> torch.Tensor:
    """Round ``rows``, shape (outputs, inputs), to int8 into ``placed``, of the same shape.

    Returns:
        The scale of each row, shape (outputs,), float32: its largest weight is 127 of them.
    """
    scale = torch.empty(len(rows), dtype=torch.float32)
    for begin in range(0, len(rows), _ROUNDED_AT_ONCE):
        some = slice(begin, begin + _ROUNDED_AT_ONCE)
        exact = rows[some].float()
        scale[some] = exact.abs().amax(dim=1) / 127
        units = torch.where(scale[some] > 0, scale[some], 1.0)[:, None]
        placed[some] = (exact / units).round_()
    return scale
