"""The layers of a recorded step, compiled by torch's inductor: few kernels instead of many.

A layer is compiled in two halves, which serve for all layers: weights are their arguments. It sees
all positions of the cache, so that one compilation does; those ahead look at the newest token's,
which the mask hides, so that only what is live is read from memory. Must never have torch import
its compiler before something is compiled: that takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch.nn import functional

from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.forward import activation
from core.models.gpt2.graph.recording import Layers, StaticLook
from core.models.gpt2.weights import Gpt2Weights, LayerWeights
from core.models.matrix_products import product

SWITCH = "GPT2_PLAYGROUND_COMPILE"
"""Set to 1, this environment variable has torch compile while a model is loaded: a minute or more
at first, some seconds once inductor's cache holds the kernels. Nobody waits who has not asked."""

OPTIONS: dict[str, Any] = {"coordinate_descent_tuning": True, "assert_indirect_indexing": False}
"""Inductor's. Tiles of kernels are tried out: else products with one row are slow. Positions and
slots are right by construction, and need not be checked on the device."""

_Compiled = Callable[..., Any]
_NAMES = tuple(field.name for field in fields(LayerWeights))


def is_wanted() -> bool:
    """Whether the person has asked for it."""
    return os.environ.get(SWITCH) == "1"


def compiled_layers(weights: Gpt2Weights, config: Gpt2Config) -> Layers:
    """Return the layers; they are compiled when first used, for one row and for several."""
    # What was learnt from another model's sizes would make this one's kernels general and slow.
    torch.compiler.reset()
    how: dict[str, Any] = {"fullgraph": True, "options": OPTIONS}
    first: _Compiled = torch.compile(_first_half_of(config), **how)
    second: _Compiled = torch.compile(_second_half, **how)
    end: _Compiled = torch.compile(_end_of(config), **how)
    device, dtype = weights.tokens.device, weights.vector_dtype
    # A tensor for each, not a part of one: inductor copies what does not begin at 16 bytes.
    scales = [torch.tensor(one, dtype=dtype, device=device) for one in config.attention_scales]
    layer_weights = [tuple(getattr(layer, name) for name in _NAMES) for layer in weights.layers]

    def layers(hidden: torch.Tensor, look: StaticLook) -> torch.Tensor:
        visible = look.positions[0] <= look.position
        seen = torch.minimum(look.positions[0], look.position)
        slots = look.slots.gather(1, seen.expand_as(look.slots))
        for index, layer in enumerate(layer_weights):
            hidden, inner = first(
                hidden, look.store[index], look.position, seen, slots, visible, scales[index], layer
            )
            hidden = second(hidden, inner, layer)
        logits: torch.Tensor = end(hidden, weights.ln_f_weight, weights.ln_f_bias, weights.head)
        return logits

    return layers


def _first_half_of(config: Gpt2Config) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    heads, size, epsilon = config.n_head, config.head_size, config.layer_norm_epsilon
    function = config.activation_function

    def first_half(
        hidden: torch.Tensor,
        store: torch.Tensor,
        position: torch.Tensor,
        seen: torch.Tensor,
        slots: torch.Tensor,
        visible: torch.Tensor,
        scale: torch.Tensor,
        layer: tuple[torch.Tensor, ...],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One layer until its last product; ``hidden`` has shape (rows, embedding).

        ``store`` is the layer's part of the cache, see ``StaticLook`` for the rest.
        """
        weight = LayerWeights(*layer)
        rows, width = hidden.shape
        normed = functional.layer_norm(
            hidden, (width,), weight.ln_1_weight, weight.ln_1_bias, epsilon
        )
        qkv = (_product(normed, weight.qkv) + weight.qkv_bias).to(store.dtype)
        split = qkv.view(rows, 3, heads, size).permute(1, 2, 0, 3)
        store[:, :, :, :rows].index_copy_(2, position, split[1:, :, None])
        # Written out, so that inductor spreads it over the positions too; shapes are (heads, rows,
        # positions, head size).
        there = store[0][:, seen, slots].to(hidden.dtype)
        scores = (split[0][:, :, None].to(hidden.dtype) * there).sum(dim=-1) * scale
        shares = scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)
        there = store[1][:, seen, slots].to(hidden.dtype)
        mixed = (shares[..., None] * there).sum(dim=-2).transpose(0, 1).reshape(rows, width)
        hidden = hidden + _product(mixed, weight.projection) + weight.projection_bias
        normed = functional.layer_norm(
            hidden, (width,), weight.ln_2_weight, weight.ln_2_bias, epsilon
        )
        inner = activation(_product(normed, weight.up) + weight.up_bias, function)
        # Rounded here, where that is not a kernel of its own.
        return hidden, inner if rows == 1 else inner.to(weight.down.dtype)

    return first_half


def _second_half(
    hidden: torch.Tensor, inner: torch.Tensor, layer: tuple[torch.Tensor, ...]
) -> torch.Tensor:
    """The rest of a layer, apart: inductor would compute the activation for each output anew."""
    weight = LayerWeights(*layer)
    return hidden + _product(inner, weight.down) + weight.down_bias


def _end_of(config: Gpt2Config) -> Callable[..., torch.Tensor]:
    epsilon = config.layer_norm_epsilon

    def end(
        hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, head: torch.Tensor
    ) -> torch.Tensor:
        """The last LayerNorm and the logits, float32."""
        normed = functional.layer_norm(hidden, weight.shape, weight, bias, epsilon)
        logits = _product(normed, head) if len(normed) == 1 else product(normed, head)
        return logits.float()

    return end


def _product(hidden: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply: one row as sums, which inductor fuses with what is around, several by a library.

    One row is not rounded to the matrix's dtype.
    """
    if hidden.shape[0] == 1:
        return (matrix * hidden).sum(dim=-1)[None]
    return functional.linear(hidden.to(matrix.dtype), matrix).to(hidden.dtype)
