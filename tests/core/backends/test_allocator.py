"""Memory lies together and goes back to the system, where the C library has calls for it."""

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


ARENAS = """
import ctypes, sys, threading
from core.backends.allocator import share_memory_among_threads

def take():
    taken.append(bytes(50_000))
    all_took.wait()

if sys.argv[1] == "shared":
    share_memory_among_threads()
taken, all_took, libc = [], threading.Barrier(5), ctypes.CDLL(None)
for _ in range(4):
    threading.Thread(target=take, daemon=True).start()
all_took.wait()
libc.fdopen.restype = ctypes.c_void_p
told = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(told))
libc.fflush(ctypes.c_void_p(told))
"""

of_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")


def said_by(program, how):
    command = [sys.executable, "-c", program, how]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@of_glibc
def test_all_threads_take_memory_from_one_place():
    def arenas(how):
        return said_by(ARENAS, how).count("<heap nr=")

    assert arenas("shared") == 1 < arenas("apart")


@of_glibc
def test_what_threads_freed_goes_back_to_the_system():
    def grown(how):
        return int(said_by(GROWN, how))

    assert grown("given back") < 20 < grown("kept")
