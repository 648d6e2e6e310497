"""A GPT-2's forward pass in plain torch: the reference of the native kernel, and its fallback.

Must never allocate a cache or choose a token.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch.nn import functional

from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.weights import Gpt2Weights, LayerWeights
from core.models.matrix_products import product


def forward(
    weights: Gpt2Weights, config: Gpt2Config, cache: KeyValueCache, token_ids: torch.Tensor
) -> torch.Tensor:
    """Append ``token_ids``, shape (rows, tokens), int64, to the cache, which has room for them.

    Either rows or tokens is 1.

    Returns:
        What ``head`` takes, after each token; shape (rows, tokens, embedding).
    """
    count = token_ids.shape[1]
    positions = weights.positions[cache.length : cache.length + count]
    hidden = weights.tokens[token_ids].to(weights.vector_dtype) + positions
    hidden = blocks(weights, config, hidden, _LiveLook(cache, count))
    cache.append(count)
    return hidden


class Look(Protocol):
    """Where the new tokens of a pass write their keys and values, and what they see of others.

    ``mask`` allows (true) or hides positions, as ``scaled_dot_product_attention`` takes it.
    """

    mask: torch.Tensor | None

    def put_and_see(self, layer: int, which: int, new: torch.Tensor) -> torch.Tensor:
        """Store keys (0) or values (1) of a layer, shape (rows, heads, tokens, head size).

        Returns:
            What is there with them, shape (rows, heads, all tokens, head size).
        """
        ...


def blocks(
    weights: Gpt2Weights, config: Gpt2Config, hidden: torch.Tensor, look: Look
) -> torch.Tensor:
    """Run all layers and the last LayerNorm over ``hidden``, shape (rows, tokens, embedding)."""
    for index, layer in enumerate(weights.layers):
        hidden = hidden + _attention(hidden, layer, index, config, look)
        inner = _linear(_norm(hidden, layer.ln_2_weight, layer.ln_2_bias, config), layer.up)
        inner = activation(inner + layer.up_bias, config.activation_function)
        hidden = hidden + _linear(inner, layer.down) + layer.down_bias
    return _norm(hidden, weights.ln_f_weight, weights.ln_f_bias, config)


def head(weights: Gpt2Weights, hidden: torch.Tensor) -> torch.Tensor:
    """Return the logits, shape (…, vocabulary), float32, of ``hidden``, shape (…, embedding)."""
    return product(hidden, weights.head).float()


class _LiveLook:
    """The look at no more than the cache holds."""

    def __init__(self, cache: KeyValueCache, count: int) -> None:
        self._store = cache.store
        self._rows = cache.rows
        self._begin, self._end = cache.length, cache.length + count
        device = cache.store.device
        self.mask: torch.Tensor | None = None
        if count > 1:
            allowed = torch.ones((count, self._end), dtype=torch.bool, device=device)
            self.mask = allowed.tril(diagonal=self._begin)
        if self._rows > 1:
            own = torch.arange(self._rows, dtype=torch.int32, device=device)[:, None]
            self._slots = torch.cat((cache.table[:, : self._begin], own), dim=1).long()
            self._positions = torch.arange(self._end, device=device)[None]

    def put_and_see(self, layer: int, which: int, new: torch.Tensor) -> torch.Tensor:
        """See ``Look``."""
        store = self._store[layer, which]
        if self._rows == 1:
            store[:, self._begin : self._end, 0] = new[0]
            return store[None, :, : self._end, 0]
        store[:, self._begin, : self._rows] = new[:, :, 0].transpose(0, 1)
        return store[:, self._positions, self._slots].transpose(0, 1)


def _attention(
    hidden: torch.Tensor, layer: LayerWeights, index: int, config: Gpt2Config, look: Look
) -> torch.Tensor:
    normed = _norm(hidden, layer.ln_1_weight, layer.ln_1_bias, config)
    qkv = _linear(normed, layer.qkv) + layer.qkv_bias
    if qkv.device.type != "cpu":
        qkv = qkv.to(layer.qkv.dtype)
    rows, tokens, _ = qkv.shape
    split = qkv.view(rows, tokens, 3, config.n_head, config.head_size).permute(2, 0, 3, 1, 4)
    keys = look.put_and_see(index, 0, split[1]).to(qkv.dtype)
    values = look.put_and_see(index, 1, split[2]).to(qkv.dtype)
    mixed = functional.scaled_dot_product_attention(
        split[0], keys, values, attn_mask=look.mask, scale=config.attention_scales[index]
    )
    mixed = mixed.transpose(1, 2).reshape(rows, tokens, config.n_embd)
    return _linear(mixed.to(hidden.dtype), layer.projection) + layer.projection_bias


def _norm(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, config: Gpt2Config
) -> torch.Tensor:
    return functional.layer_norm(hidden, weight.shape, weight, bias, config.layer_norm_epsilon)


def _linear(hidden: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply; return the dtype of ``hidden``.

    On the processor nothing is rounded to 16 bit, as in the native kernel: what a token comes to
    must not depend on how many were read with it. A GPU multiplies in the matrix's dtype, for which
    it has circuits of its own.
    """
    if matrix.device.type == "cpu":
        return product(hidden, matrix)
    return functional.linear(hidden.to(matrix.dtype), matrix).to(hidden.dtype)


def activation(inner: torch.Tensor, name: str) -> torch.Tensor:
    """Apply the function that transformers calls ``name``, one of ``gpt2_config.ACTIVATIONS``."""
    if name in ("gelu_new", "gelu_pytorch_tanh"):
        return functional.gelu(inner, approximate="tanh")
    if name == "quick_gelu":
        return inner * torch.sigmoid(1.702 * inner)
    if name == "sigmoid":
        return torch.sigmoid(inner)
    if name == "tanh":
        return torch.tanh(inner)
    if name == "relu":
        return torch.relu(inner)
    return functional.gelu(inner) if name == "gelu" else functional.silu(inner)
