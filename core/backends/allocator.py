"""Memory of arrays and recorded logits: that it lies together, and goes back when nobody needs it.

Must never be needed: where the C library has no call for it, more is kept, and all else is the
same.
"""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's ``malloc.h``."""


def share_memory_among_threads() -> None:
    """Have all threads take memory from one place; what begins before it keeps its own.

    Else glibc has one for each of many threads, and logits that are kept lie scattered among what
    was freed around them: the memory of an afternoon grows by half as much again. Only glibc has
    ``mallopt(3)`` with that setting.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # by which glibc is known
        libc.mallopt(_ARENA_MAX, 1)


def give_memory_back() -> None:
    """Give the system back what was freed; takes some milliseconds, for a thread that is idle.

    The C library keeps what each thread freed for that thread's next array, so that the memory of
    an afternoon is several times what is in it. Only glibc has a call for it, ``malloc_trim(3)``.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
