"""What safetensors files say about themselves: their headers, whether they are whole, how large.

Must never read the weights, import a model library, or believe a length before checking it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files.reading import FileError, is_regular_file, read_json_object
from core.models.files.folder import check_inside
from core.records.errors import PlaygroundError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_LONGEST_HEADER = 25_000_000  # bytes; ten times what the largest published models need
_LONGEST_JSON = 25_000_000
_SHARD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a safetensors header."""

    dtype: str
    shape: tuple[int, ...]
    end: int
    """Where its bytes end, counted from the end of the header."""


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files of the model saved in ``folder``, in the order of their names.

    A single file counts before an index, as in transformers. None lies outside the folder, whether
    by its name or by a link; but the Hugging Face cache may link to its own blobs.

    Raises:
        PlaygroundError: There are none, one is missing or elsewhere, or the index cannot be used.
    """
    single, index = folder / SINGLE_FILE, folder / INDEX_FILE
    if is_regular_file(single):
        files: tuple[Path, ...] = (single,)
    elif index.exists():
        check_inside(folder, index)
        files = tuple(folder / name for name in shard_names(index))
    else:
        raise PlaygroundError(f"there are no safetensors weights in {folder}; use another model")
    for file in files:
        check_inside(folder, file)
        if not is_regular_file(file):
            raise PlaygroundError(f"{file} is missing; download the model again")
    return files


def shard_names(index: Path) -> tuple[str, ...]:
    """Return the names of the files that a ``model.safetensors.index.json`` names.

    Raises:
        PlaygroundError: It cannot be read, or names what is no plain safetensors file.
    """
    mapping = read_json(index).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise PlaygroundError(f"{index} names no weights; download the model again")
    names = list(mapping.values())
    for name in names:
        if not isinstance(name, str) or not _SHARD.fullmatch(name):
            raise PlaygroundError(f"{index} names {name!r}, which is no safetensors file beside it")
    return tuple(sorted(set(names)))


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of at most 25 MB.

    Raises:
        PlaygroundError: It cannot be read, is too long, or is no JSON object.
    """
    try:
        return read_json_object(path, _LONGEST_JSON)
    except FileError as error:
        raise PlaygroundError(f"{path} {error.fault}; download the model again") from None


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the tensors that a safetensors file holds, having checked that it is whole.

    Raises:
        PlaygroundError: It cannot be read, is cut short, or its header makes no sense.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            # A damaged length would otherwise ask for gigabytes of memory.
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise _damaged(path, "its header is longer than it may be")
            text = file.read(length)
    except OSError as error:
        raise PlaygroundError(f"cannot read {path}: {error.strerror or error}") from None
    tensors = _parse_header(path, text)
    expected = 8 + length + max((tensor.end for tensor in tensors.values()), default=0)
    if size != expected:
        raise _damaged(path, f"it has {size:,} of {expected:,} bytes")
    return tensors


def check_weights(folder: Path) -> None:
    """Make sure that all safetensors files of the model in ``folder`` are there and whole.

    Raises:
        PlaygroundError: They are not.
    """
    for file in weight_files(folder):
        read_header(file)


def safetensors_parameters(folder: Path) -> int:
    """Return how many parameters the model saved in ``folder`` has, from the headers alone.

    Tied weights count once, as they are stored. Attention masks and rotary tables, which older
    checkpoints carry along, are no parameters.

    Raises:
        PlaygroundError: The weights are missing or damaged.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in weight_files(folder):
        shapes.update((name, tensor.shape) for name, tensor in read_header(file).items())
    return sum(math.prod(shape) for name, shape in shapes.items() if not _is_buffer(name, shape))


def _is_buffer(name: str, shape: tuple[int, ...]) -> bool:
    # The published gpt2-xl holds a mask of 1 x 1 x 1,024 x 1,024 as "bias" in each of its blocks.
    is_mask = name.endswith(".bias") and len(shape) == 4
    return is_mask or name.endswith((".masked_bias", ".rotary_emb.inv_freq"))


def _parse_header(path: Path, text: bytes) -> dict[str, Tensor]:
    try:
        entries = json.loads(text)
        return {name: _tensor(entry) for name, entry in entries.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _damaged(path, "its header cannot be read") from None


def _tensor(entry: dict[str, Any]) -> Tensor:
    shape = tuple(entry["shape"])
    start, end = entry["data_offsets"]
    numbers = (*shape, start, end)
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or start > end:
        raise ValueError("a tensor's place makes no sense")
    return Tensor(str(entry["dtype"]), shape, end)


def _damaged(path: Path, why: str) -> PlaygroundError:
    return PlaygroundError(f"{path} is damaged ({why}); delete it and download the model again")
