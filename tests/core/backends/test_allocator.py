"""Threads share what the C library keeps, where that can be told."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, sys, threading
from core.backends.allocator import give_memory_back
if sys.argv[1] == "told":
    give_memory_back()
all_there = threading.Barrier(6)
def take():
    all_there.wait()
    taken = [bytes(50_000) for _ in range(100)]
    all_there.wait()
threads = [threading.Thread(target=take) for _ in range(6)]
[one.start() for one in threads], [one.join() for one in threads]
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, out := ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(out)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_threads_have_one_heap():
    def heaps(how):
        program = [sys.executable, "-c", HEAPS, how]
        told = subprocess.run(program, capture_output=True, text=True, check=True)
        return told.stdout.count("<heap ")

    assert heaps("told") == 1 < heaps("not told")
