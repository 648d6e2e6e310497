"""What was freed in a thread goes back to the system, where the C library has a call for it."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

GROWN = """
import sys, threading
import psutil
from core.backends.allocator import give_memory_back

def take():
    taken = [bytes(50_000) for _ in range(2_000)]
    last = bytes(50_000)  # behind all of them: what lies before it stays with the library
    del taken
    all_freed.wait()
    is_over.wait()

process, all_freed, is_over = psutil.Process(), threading.Barrier(3), threading.Event()
before = process.memory_info().rss
threads = [threading.Thread(target=take, daemon=True) for _ in range(2)]
[one.start() for one in threads]
all_freed.wait()
if sys.argv[1] == "given back":
    give_memory_back()
print((process.memory_info().rss - before) // 2**20)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_what_threads_freed_goes_back_to_the_system():
    def grown(how):
        program = [sys.executable, "-c", GROWN, how]
        told = subprocess.run(program, capture_output=True, text=True, check=True)
        return int(told.stdout)

    assert grown("given back") < 20 < grown("kept")
