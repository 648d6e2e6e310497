"""What the app costs: its first paint, and the token rate beside the headless one.

Run with ``python -m benchmarks.interface``. Prints medians over alternating runs, after one of each
that does not count. Must never decide whether a test passes: machines differ.
"""

from __future__ import annotations

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
from core.backends.base import ModelInfo, Request
from core.backends.local import LocalBackend
from core.settings import Settings
from core.steps import Event, TokenStep

PROMPT = "A long long time ago, "
SETTINGS = Settings(max_new_tokens=900, min_new_tokens=900)
ROUNDS = 7


def first_paint_seconds() -> float:
    """Return the time from starting the process to the first frame that shows the presets."""
    main, child = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli"],
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


def headless_rate(backend: LocalBackend) -> float:
    """Return tokens per second of a run that nobody watches."""
    return _rate(list(backend.generate(Request(PROMPT, SETTINGS), lambda: False)))


def app_rate(backend: LocalBackend, info: ModelInfo) -> float:
    """Return tokens per second of the same run in the app."""
    return _rate(asyncio.run(run_in_app(Lent(backend, info), PROMPT, SETTINGS)))


def _rate(events: Sequence[Event]) -> float:
    ends = [event.elapsed for event in events if isinstance(event, TokenStep)]
    return (len(ends) - 1) / (ends[-1] - ends[0])


def main() -> None:
    """Print the medians."""
    paints = [first_paint_seconds() for _ in range(ROUNDS)]
    print(f"first paint: median {statistics.median(paints):.2f} s, worst {max(paints):.2f} s")
    backend = LocalBackend("demo", device="cpu")
    info = backend.load(lambda stage, share=None: None)
    headless: list[float] = []
    shown: list[float] = []
    headless_rate(backend)
    app_rate(backend, info)
    for _ in range(ROUNDS):
        headless.append(headless_rate(backend))
        shown.append(app_rate(backend, info))
    ratio = statistics.median(shown) / statistics.median(headless)
    print(f"headless: median {statistics.median(headless):.0f} tokens/s")
    print(f"in the app: median {statistics.median(shown):.0f} tokens/s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
