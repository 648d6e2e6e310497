"""What lies in a model's safetensors files, from their headers alone.

Must never read a weight or a pickle, nor follow a name out of the model's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from core.models.hub.weights import INDEX_FILE, SINGLE_FILE, shard_names, weight_files
from core.records.errors import PlaygroundError
from core.records.model_report import StoredWeights
from core.text.visible import reason

_PICKLES = "pytorch_model*.bin"

# The header's names for torch's dtypes, with their bytes per number.
_DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
}


def stored_weights(folder: Path) -> tuple[StoredWeights | None, str]:
    """Return what the headers say, or ``None`` and why nothing can be read there."""
    try:
        files = weight_files(folder)
    except PlaygroundError as error:
        return None, _why_none(folder, error)
    sizes: dict[str, int] = {}
    tensors = 0
    for file in files:
        try:
            for dtype, size in _tensors(file):
                tensors += 1
                sizes[dtype] = sizes.get(dtype, 0) + size
        except (OSError, SafetensorError) as error:
            return None, f"{file.name} cannot be read: {reason(error)}"
    by_dtype = tuple(sorted(sizes.items(), key=lambda item: -item[1]))
    return StoredWeights(len(files), tensors, sum(sizes.values()), by_dtype), ""


def _why_none(folder: Path, error: PlaygroundError) -> str:
    """Return why there are no weights that can be read."""
    if (folder / SINGLE_FILE).exists():
        return str(error)
    if (folder / INDEX_FILE).exists():
        return _fault_of_shards(folder) or str(error)
    if any(folder.glob(_PICKLES)):
        return "no safetensors in the folder; pickles are never read"
    return "no weights in the folder"


def _fault_of_shards(folder: Path) -> str:
    """Return which of the files that the index names are not there, nothing where it names none."""
    try:
        names = shard_names(folder / INDEX_FILE)
    except PlaygroundError:
        return ""
    missing = [name for name in names if not (folder / name).exists()]
    if not missing:
        return ""
    more = f", and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    return f"there is no {missing[0]}, which {INDEX_FILE} names{more}"


def _tensors(file: Path) -> list[tuple[str, int]]:
    """Return dtype and bytes of every tensor in ``file``."""
    found: list[tuple[str, int]] = []
    with safe_open(file, framework="pt") as opened:
        for key in opened.keys():  # noqa: SIM118 (it is no mapping)
            view: Any = opened.get_slice(key)
            name, itemsize = _DTYPES.get(view.get_dtype(), (str(view.get_dtype()).lower(), 1))
            count = 1
            for length in view.get_shape():
                count *= length
            found.append((name, count * itemsize))
    return found
