"""A contender in a process of its own, where its library's threads cannot slow those of others.

CTranslate2's OpenMP, once loaded, makes torch's and llama.cpp's three to fourteen times as slow in
the same process. Must never time anything itself: the contender does, over there.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from benchmarks.contenders import Contender, Timing

_COOLING = 0.3
"""Seconds in which threads that wait busily for more work go to sleep."""

_here: list[Contender] = []
"""The contender, in its process."""


class Apart:
    """What ``make`` returns, a contender, over there; ``make`` can be pickled."""

    def __init__(self, name: str, modes: tuple[str, ...], make: Callable[[], Contender]) -> None:
        self.name = name
        self.modes = modes
        self._process = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_open, initargs=(make,)
        )

    def run(self, mode: str, prompt: list[int], steps: int) -> Timing:
        """See ``Contender``.

        Raises:
            BrokenProcessPool: The process has died.
        """
        found = self._process.submit(_run, mode, prompt, steps).result()
        time.sleep(_COOLING)
        return found


def _open(make: Callable[[], Contender]) -> None:
    _here.append(make())


def _run(mode: str, prompt: list[int], steps: int) -> Timing:
    return _here[0].run(mode, prompt, steps)
