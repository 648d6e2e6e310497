"""What lies in a model's safetensors files, from their headers alone.

Must never read a weight or a pickle, nor follow a name out of the model's folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from core.models.config_file import is_readable_file
from core.models.report_records import StoredWeights
from core.visible import reason

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_PICKLES = "pytorch_model*.bin"
_LARGEST_INDEX = 64 * 2**20

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


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files that a model in ``folder`` consists of; none if one is missing.

    A single file counts before an index, as in transformers.
    """
    if is_readable_file(folder / SINGLE_FILE):
        return (folder / SINGLE_FILE,)
    names = _indexed(folder / INDEX_FILE)
    files = tuple(folder / name for name in names)
    return files if all(is_readable_file(file) for file in files) else ()


def stored_weights(folder: Path) -> tuple[StoredWeights | None, str]:
    """Return what the headers say, or ``None`` and why nothing can be read there."""
    files = weight_files(folder)
    if not files:
        return None, _why_none(folder)
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


def _why_none(folder: Path) -> str:
    """Return why there are no weights that can be read."""
    missing = [name for name in _indexed(folder / INDEX_FILE) if not (folder / name).is_file()]
    if missing:
        more = f", and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        return f"there is no {missing[0]}, which {INDEX_FILE} names{more}"
    if any(folder.glob(_PICKLES)):
        return "no safetensors in the folder; pickles are never read"
    return "no weights in the folder"


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


def _indexed(index: Path) -> list[str]:
    """Return the files that an index names, in order; none where it cannot be used."""
    if not is_readable_file(index):
        return []
    try:
        if index.stat().st_size > _LARGEST_INDEX:
            return []
        content = json.loads(index.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict):
        return []
    names = sorted({name for name in weight_map.values() if isinstance(name, str)})
    # A name with a folder in it could lead anywhere on this machine.
    return names if names and all(Path(name).name == name for name in names) else []
