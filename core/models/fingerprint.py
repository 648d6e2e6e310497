"""What tells two models' weights apart that have one name.

Must never read all of a large file, which would hold up a start, nor fail where a model was loaded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from core.models.hub.weights import read_header, weight_files
from core.records.errors import PlaygroundError

_WHOLE = 16 * 2**20  # bytes; a file of no more is read to its end
_BLOCK = 4 * 2**10


def weights_fingerprint(folder: Path) -> str:
    """Return a text that two models share where their weights are the same; empty without any.

    It is the SHA-256, in hexadecimal, of each safetensors file's header and of what follows: all of
    it in a file of at most 16 MiB, else the first, middle and last 4 KiB of every tensor. Training,
    converting and rounding change those; the edit of a few rows within a matrix need not. Names of
    files, folders and times have no say.
    """
    digest = hashlib.sha256()
    try:
        for file in weight_files(folder):
            for part in _parts(file):
                digest.update(part)
    except (OSError, PlaygroundError):
        return ""
    return digest.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    """Yield what has a say of a file.

    Raises:
        OSError: It cannot be read.
        PlaygroundError: It is no whole safetensors file.
    """
    ends = sorted({0, *(one.end for one in read_header(path).values())})
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        begin = size - ends[-1]
        yield size.to_bytes(8, "little")
        yield os.pread(handle, begin, 0)
        for start, end in pairwise(ends):
            length = end - start
            if size <= _WHOLE or length <= 3 * _BLOCK:
                yield os.pread(handle, length, begin + start)
                continue
            for place in (start, start + length // 2, end - _BLOCK):
                yield os.pread(handle, _BLOCK, begin + place)
    finally:
        os.close(handle)
