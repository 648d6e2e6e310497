"""What the app costs: its first paint, and the token rate beside the headless one.

Run with ``python -m benchmarks.interface``. Prints medians over alternating runs. Must never
decide whether a test passes: machines differ.
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
from pathlib import Path

from core.backends.base import Request
from core.backends.local import LocalBackend
from core.presets import Preset, PresetBook
from core.settings import Settings
from core.steps import Finished

PROMPT = "A long long time ago, "
SETTINGS = Settings(max_new_tokens=900, min_new_tokens=900)
ROUNDS = 5


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
    *_, finished = backend.generate(Request(PROMPT, SETTINGS), lambda: False)
    if not isinstance(finished, Finished):
        raise TypeError("a run ends with Finished")
    return finished.tokens_per_second


async def app_rate() -> float:
    """Return tokens per second of the same run in the app, composed at 120 by 40.

    Textual's headless driver composes every frame, but writes it to no terminal.
    """
    from tui.app import PlaygroundApp

    book = PresetBook(Path("benchmark"), (Preset("benchmark", "f1", "", SETTINGS),))
    app = PlaygroundApp(lambda _name: LocalBackend("demo", device="cpu"), book)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.playground
        while state.model.info is None:
            await asyncio.sleep(0.05)
        app.main.prompt.text = PROMPT
        await pilot.press("enter")
        while not state.session.turns or state.session.is_running:
            await asyncio.sleep(0.05)
        finished = state.session.turns[-1].finished
    return finished.tokens_per_second if finished is not None else 0.0


def main() -> None:
    """Print the medians."""
    paints = [first_paint_seconds() for _ in range(ROUNDS)]
    print(f"first paint: median {statistics.median(paints):.2f} s, worst {max(paints):.2f} s")
    backend = LocalBackend("demo", device="cpu")
    backend.load(lambda stage, share=None: None)
    headless: list[float] = []
    shown: list[float] = []
    for _ in range(ROUNDS):
        headless.append(headless_rate(backend))
        shown.append(asyncio.run(app_rate()))
    ratio = statistics.median(shown) / statistics.median(headless)
    print(f"headless: median {statistics.median(headless):.0f} tokens/s")
    print(f"in the app: median {statistics.median(shown):.0f} tokens/s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
