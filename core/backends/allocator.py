"""Memory that a run or a look back needed and that nothing needs any more: back to the system.

Must never be needed: where it cannot be given back, more is kept, and all else is the same.
"""

from __future__ import annotations

import ctypes


def give_memory_back() -> None:
    """Give the system back what was freed; takes some milliseconds, for a thread that is idle.

    The C library keeps what each thread freed for that thread's next array, so that the memory of
    an afternoon is several times what is in it. Only glibc has a call for it, ``malloc_trim(3)``.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
