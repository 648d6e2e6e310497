"""Models of any architecture, as transformers reads them.

Must never run code that came with a model, read a pickle, or download anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from core.models.device.placement import ModelSize
from core.models.files.config import ConfigFile
from core.models.files.left_out import layers_left_out
from core.models.hub.weights import weight_files
from core.models.inspection.cache_facts import facts_of, numbers_per_token
from core.models.inspection.stored_weights import stored_weights
from core.records.errors import PlaygroundError
from core.text.visible import one_line

_CAST = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
"""The dtypes that hold weights as they are; others hold them quantized."""

_NAMED = 2
"""How many missing weights a sentence names."""


def keep_quiet() -> None:
    """Keep transformers' progress bars and warnings from being drawn over the app."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def check_dtype(config: ConfigFile, name: str) -> None:
    """Refuse a configuration of a dtype that torch has not; ``name`` is what sentences call it.

    transformers fails at it while it reads something else.

    Raises:
        PlaygroundError: It is of such a one.
    """
    said = config.mapping.get("dtype") or config.mapping.get("torch_dtype")
    if isinstance(said, str) and said != "auto":
        known = getattr(torch, said.removeprefix("torch."), None)
        if not isinstance(known, torch.dtype):
            raise PlaygroundError(
                f"config.json of {name!r} has the dtype {one_line(said, 60)!r}, which torch does"
                " not know; correct it"
            )


def mapped_module(folder: Path, dtype: torch.dtype) -> tuple[Any, Any, str]:
    """Return the model with memory-mapped weights, and what ``dtype`` would make of it.

    Returns:
        The module, in the dtype in which it is stored, and an outline: a module of the same kind
        whose tensors have the dtypes that ``from_pretrained(dtype=dtype)`` gives them. Buffers that
        no checkpoint holds have their values, all others no memory. The two are one where nothing
        is to be cast. Last a phrase on stored layers that are left out, empty where none is.

    Raises:
        PlaygroundError: It has no safetensors weights, or some are missing or of another shape.
    """
    if not any(folder.glob("*.safetensors*")):
        raise PlaygroundError(
            f"{str(folder)!r} holds no safetensors weights; convert them with"
            " save_pretrained(), since other formats can run code"
        )
    weight_files(folder)  # transformers follows whatever an index says
    stored = _mapped_dtype(folder, dtype)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=stored,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    module, found = loaded
    _check_shapes(folder, found["mismatched_keys"])
    _check_missing(folder, module, found["missing_keys"])
    prefix = f"{module.base_model_prefix}."
    left_out = layers_left_out(found["unexpected_keys"], module.state_dict(), prefix)
    return module, module if stored == dtype else _outline(module, dtype), left_out


def _mapped_dtype(folder: Path, wanted: torch.dtype) -> torch.dtype:
    """Return the dtype of most stored weights, or ``wanted`` where that would round others."""
    weights, _trouble = stored_weights(folder)
    names = [name for name, _size in weights.bytes_by_dtype] if weights else []
    kinds = [one for one in (getattr(torch, name, None) for name in names) if one in _CAST]
    is_plain = bool(kinds) and all(torch.promote_types(kinds[0], one) == kinds[0] for one in kinds)
    return kinds[0] if is_plain else wanted


def _check_shapes(folder: Path, found: Collection[tuple[str, Any, Any]]) -> None:
    # Without this, transformers names them in a report that nobody sees, and nothing in its error.
    for name, stored, wanted in sorted(found):
        more = f" ({len(found) - 1:,} more differ)" if len(found) > 1 else ""
        raise PlaygroundError(
            f"{name} in {str(folder)!r} has the shape {tuple(stored)}, and config.json asks for"
            f" {tuple(wanted)}{more}; correct config.json, or save the model again"
        )


def _check_missing(folder: Path, module: Any, found: Collection[str]) -> None:  # noqa: ANN401
    # transformers fills them with random numbers. Missing buffers it computes.
    names = [name for name, _ in module.named_parameters() if name in found]
    if names:
        raise PlaygroundError(
            f"the weights in {str(folder)!r} lack {', '.join(names[:_NAMED])}"
            + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
            + "; save or download the whole model again"
        )


def _outline(module: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401
    """Build ``module`` anew under ``dtype``, as from_pretrained() does before it reads weights."""
    with torch.device("meta"):
        outline: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            module.config, trust_remote_code=False, dtype=dtype
        )
    stored = outline.state_dict(keep_vars=True)
    for tensor in stored.values():
        tensor._is_hf_initialized = True
    for name, buffer in list(outline.named_buffers(remove_duplicate=False)):
        if name not in stored:
            parent, _, own_name = name.rpartition(".")
            setattr(outline.get_submodule(parent), own_name, torch.empty_like(buffer, device="cpu"))
    outline.initialize_weights()
    # from_pretrained() alone heeds what a model says of tensors that 16 bit would spoil.
    for pattern, kept in module._get_dtype_plan(dtype).items():
        matching = re.compile(pattern.replace("*", ".*"))
        for name, tensor in stored.items():
            if matching.search(name):
                tensor.data = tensor.data.to(kept)
    return outline


def module_size(name: str, module: Any) -> ModelSize:  # noqa: ANN401
    """Return what decides how much memory ``module``, called ``name``, takes."""
    context = facts_of(module.config).context_size or 1024
    # A cache grows as it is filled, and very long contexts are seldom filled.
    cache = numbers_per_token(module.config) * min(context, 4096)
    return ModelSize(name, module.num_parameters(), cache)
