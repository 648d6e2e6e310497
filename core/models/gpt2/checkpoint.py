"""A GPT-2's checkpoint: memory-mapped safetensors files, whose tensors are found by name.

Must never hold two copies of a model, nor import transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from core.models.files.left_out import layers_left_out
from core.models.files.weights import read_pages, release_pages
from core.models.gpt2.config import Gpt2Config, NotFastError
from core.models.gpt2.weights import Gpt2Weights, take_weights

_PREFIX = "transformer."

_COMPARED_AT_ONCE = 1024
"""Rows of two matrices that are compared together: most that differ do so in the first."""


def with_stored_ties(files: tuple[Path, ...], config: Gpt2Config) -> Gpt2Config:
    """Return ``config``, untied where the checkpoint holds a head that differs from the embeddings.

    transformers does not tie them either then, whatever config.json says.

    Raises:
        NotFastError: The files cannot be read, or hold no embeddings.
    """
    if not config.tie_word_embeddings:
        return config
    with _opened(files) as where:
        if "lm_head.weight" not in where:
            return config
        tokens, head = _tensor(where, "transformer.wte.weight"), _tensor(where, "lm_head.weight")
        is_tied = _are_equal(tokens, head)
        for tensor in (tokens, head):
            release_pages(tensor)
    return replace(config, tie_word_embeddings=is_tied)


def read_weights(
    files: tuple[Path, ...],
    config: Gpt2Config,
    device: torch.device,
    dtype: torch.dtype,
    report: Callable[[float], None],
) -> tuple[Gpt2Weights, str]:
    """Take the weights from memory-mapped safetensors files; see ``take_weights``.

    Returns:
        The weights, and a phrase on stored layers that are left out, empty where none is.

    Raises:
        NotFastError: They cannot be read, or are not those that ``config`` says.
    """
    with _opened(files) as where:
        taken: set[str] = set()

        def take(name: str) -> torch.Tensor:
            taken.add(name)
            tensor = _tensor(where, name)
            read_pages(tensor)
            return tensor

        weights = take_weights(take, config, device, dtype, report, release_pages)
        return weights, layers_left_out(where, taken, _PREFIX)


@contextmanager
def _opened(files: tuple[Path, ...]) -> Iterator[Mapping[str, Any]]:
    """Open ``files``, and yield the name of each tensor with the file that holds it."""
    with ExitStack() as stack:
        where: dict[str, Any] = {}
        try:
            for file in files:
                opened = stack.enter_context(safe_open(file, framework="pt"))
                where.update(dict.fromkeys(opened.keys(), opened))
        except (OSError, SafetensorError) as error:
            raise NotFastError(f"the weights cannot be read: {error}") from error
        yield where


def _tensor(where: Mapping[str, Any], name: str) -> torch.Tensor:
    # OpenAI's own checkpoints leave the first part of the name out.
    for known in (name, name.removeprefix(_PREFIX)):
        if known in where:
            tensor: torch.Tensor = where[known].get_tensor(known)
            return tensor
    raise NotFastError(f"the checkpoint has no {name}")


def _are_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape:
        return False
    pieces = [slice(at, at + _COMPARED_AT_ONCE) for at in range(0, len(one), _COMPARED_AT_ONCE)]
    return all(bool((one[rows] == other[rows]).all()) for rows in pieces)
