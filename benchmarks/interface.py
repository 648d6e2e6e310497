"""What the app costs: its first paint, and the token rate beside the headless one.

Run with ``python -m benchmarks.interface``. The goal is 90 % at ``RATE``, more than gpt2-xl reaches
on any card: steps of the bundled model are brought at that rate, as if by a device. Prints
medians over alternating runs, after one of each that does not count. Two runs behind each other
differ by a fifth where others use the machine, so that it takes many pairs of them. Must never
decide whether a test passes: machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.app_run import Lent, run_in_app
from benchmarks.tables import quartiles
from core.backends.local import LocalBackend
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, TokenStep

PROMPT = "A long long time ago, "
SETTINGS = Settings(max_new_tokens=900, min_new_tokens=900)
RATE = 1_000
"""Tokens per second, at most; 0 lets the bundled model run as fast as it can."""

STARTS = 7
"""How often the app is started for its first paint."""

PAIRS = 15
"""How many runs without the app, each with one in it right behind."""


def first_paint_seconds() -> float:
    """Return the time from starting the process to the first frame that shows the presets."""
    main, child = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui"],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(child)
    seen = b""
    while b"greedy" not in seen and time.perf_counter() < began + 30:
        if select.select([main], [], [], 0.05)[0]:
            seen += os.read(main, 65536)
    elapsed = time.perf_counter() - began
    process.kill()
    process.wait()
    os.close(main)
    return elapsed


def headless_rate(backend: Lent) -> float:
    """Return tokens per second of a run that nobody watches."""
    backend.load(lambda stage, share=None: None)
    return _rate(list(backend.generate(Request(PROMPT, SETTINGS), lambda: False)))


def app_rate(backend: Lent) -> tuple[float, float]:
    """Return the same run's tokens per second in the app, and main thread's seconds a token."""
    run = asyncio.run(run_in_app(backend, PROMPT, SETTINGS))
    return _rate(run.steps), run.work / len(run.steps)


def _rate(events: Sequence[Event]) -> float:
    ends = [event.elapsed for event in events if isinstance(event, TokenStep)]
    return (len(ends) - 1) / (ends[-1] - ends[0])


def main() -> None:
    """Print medians and quartiles, at as many tokens a second as the command line says."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rate", type=int, default=RATE, help=f"default: {RATE}; 0: no limit")
    asked.add_argument("--pairs", type=int, default=PAIRS)
    options = asked.parse_args()
    paints = [first_paint_seconds() for _ in range(STARTS)]
    print(f"first paint: median {statistics.median(paints):.2f} s, worst {max(paints):.2f} s")
    loaded = LocalBackend("demo", device="cpu")
    info = loaded.load(lambda stage, share=None: None)
    backend = Lent(loaded, info, step_seconds=1 / options.rate if options.rate else 0.0)
    pairs = [(headless_rate(backend), *app_rate(backend)) for _ in range(options.pairs + 1)][1:]
    print(f"headless, tokens/s: {quartiles([headless for headless, _, _ in pairs])}")
    print(f"in the app, tokens/s: {quartiles([shown for _, shown, _ in pairs])}")
    print(f"what the app keeps: {quartiles([shown / headless for headless, shown, _ in pairs])}")
    print(f"main thread, µs a token: {quartiles([1e6 * work for _, _, work in pairs])}")


if __name__ == "__main__":
    main()
