"""How the C library keeps what was freed: for what comes next, or not at all.

Must never be needed: where it cannot be told, more memory is kept, and all else is the same.
"""

from __future__ import annotations

import ctypes

# Of mallopt(3), in glibc's malloc.h.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8

LARGE = 2**20
"""In bytes: what is larger goes back to the system as soon as it is freed."""


def give_memory_back() -> None:
    """Have large arrays given back when they are freed, and all threads share what is kept.

    Else each thread that ever looked through a run keeps room for it, and the memory of an
    afternoon is several times what is in it. To be called before there are threads.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(_ARENA_MAX, 1)
        tell(_MMAP_THRESHOLD, LARGE)
