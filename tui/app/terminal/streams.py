"""The terminal kept for the app alone: what libraries write behind Python's back goes nowhere.

Must never outlast the app: when it ends, both streams are what they were.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

_DESCRIPTORS = (1, 2)
"""Standard output and error, as every library and every child process knows them."""

_STREAMS = ("stdout", "stderr", "__stdout__", "__stderr__")


@contextlib.contextmanager
def terminal_for_the_app() -> Iterator[None]:
    """Give Python's standard streams the terminal under other descriptors, and its own to nothing.

    The app paints through ``sys.__stderr__`` and measures through ``sys.__stdout__``. A panic in
    Rust, a warning in C and a compiler write to the descriptors, and would stand in the picture.
    """
    before = {name: getattr(sys, name) for name in _STREAMS}
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(descriptor) for descriptor in _DESCRIPTORS]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        output, error = map(_line_buffered, kept, (sys.stdout, sys.stderr))
        for descriptor in _DESCRIPTORS:
            os.dup2(nowhere, descriptor)
        vars(sys).update(zip(_STREAMS, (output, error, output, error), strict=True))
        yield
    finally:
        vars(sys).update(before)
        for descriptor, one in zip(_DESCRIPTORS, kept, strict=True):
            os.dup2(one, descriptor)
            os.close(one)
        os.close(nowhere)


def _line_buffered(descriptor: int, like: TextIO) -> TextIO:
    return os.fdopen(descriptor, "w", 1, like.encoding, like.errors, closefd=False)
