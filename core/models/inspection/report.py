"""A model's folder to a report: tokenizer, configuration, modules, sizes, cache.

Must never read a weight, run code that came with a model, or reach a network: a folder with
nothing but a config.json is enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from core.models.files.config import ConfigFile, read_config
from core.models.files.own_settings import not_used, own_settings
from core.models.inspection.cache_facts import cache_facts, facts_of
from core.models.inspection.module_tree import build_on_meta, dtype_name, module_tree, totals
from core.models.inspection.stored_weights import stored_weights
from core.models.inspection.tokenizer_facts import tokenizer_facts
from core.records.errors import PlaygroundError
from core.records.model_report import DtypeSource, ModelReport, StoredWeights

_DTYPES = {
    dtype_name(dtype): dtype
    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64)
}


def inspect_model(folder: Path, name: str, note: str = "") -> ModelReport:
    """Look into the model in ``folder``, which holds at least a config.json.

    Args:
        folder: A local folder, such as a model saved by transformers or a snapshot of its cache.
        name: What the report and all sentences call the model.
        note: A sentence on where the model has come from, for the report, or nothing.

    Raises:
        PlaygroundError: The folder or its configuration cannot be used, is of no causal language
            model, needs code of its own, or asks for absurd sizes.
    """
    if not folder.is_dir():
        raise PlaygroundError(f"there is no folder {str(folder)!r}; name one with a saved model")
    file = read_config(folder, name)
    weights, weights_note = stored_weights(folder)
    dtype, source, dtype_note = _stored_dtype(file, weights)
    module = build_on_meta(file, dtype, name)
    tokenizer, tokenizer_note = tokenizer_facts(folder)
    cache, cache_note = cache_facts(file.config, dtype_name(dtype), dtype.itemsize)
    notes = (note, dtype_note, *_config_notes(file), not_used(own_settings(folder)))
    return ModelReport(
        name=name,
        folder=str(folder),
        architecture=type(module).__name__,
        model_type=file.model_type,
        facts=facts_of(file.config),
        tokenizer=tokenizer,
        tokenizer_note=tokenizer_note,
        config_json=file.text,
        modules=module_tree(module),
        totals=totals(module),
        dtype=dtype_name(dtype),
        dtype_source=source,
        cache=cache,
        cache_note=cache_note,
        weights=weights,
        weights_note=weights_note,
        notes=tuple(note for note in notes if note),
    )


def _stored_dtype(
    file: ConfigFile, weights: StoredWeights | None
) -> tuple[torch.dtype, DtypeSource, str]:
    """Return the dtype of the weights as stored, what says so, and a note where that is odd."""
    if weights is not None:
        for stored, _size in weights.bytes_by_dtype:
            if stored in _DTYPES:
                return _DTYPES[stored], "weights", ""
    # Older files say torch_dtype.
    said: Any = file.mapping.get("dtype") or file.mapping.get("torch_dtype")
    if said is None:
        return torch.float32, "default", ""
    known = _DTYPES.get(str(said).removeprefix("torch."))
    if known is None:
        return torch.float32, "default", "config.json names an unknown dtype; float32 is assumed"
    return known, "configuration", ""


def _config_notes(file: ConfigFile) -> list[str]:
    notes = []
    if "auto_map" in file.mapping:
        notes.append("config.json names code of its own (auto_map), which is not run")
    if file.mapping.get("quantization_config"):
        notes.append("the weights are stored quantized; sizes are those without quantization")
    return notes
