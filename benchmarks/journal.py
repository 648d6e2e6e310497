"""What it costs to keep a session: the token rate with and without its journal, and opening one.

Run with ``python -m benchmarks.journal``. Steps of the bundled model, with the five candidates of
each, come at ``RATE`` from a thread, as from a device; the main thread takes them over 30 times a
second, as the app does, and hands them to the journal or not. Prints medians and quartiles over
alternating runs, after one of each that does not count. The goal is that the journal takes less
than 2 % of the rate, and that 10,000 steps are opened in less than a second. Must never decide
whether a test passes: machines differ.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from benchmarks.tables import quartiles
from core.backends.local import LocalBackend
from core.document.document import Document
from core.document.tree_records import ROOT, Beginning
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Finished, Started, TokenStep
from core.sessions.entries import Entry, PromptSent, run_begun
from core.sessions.opening import Session, open_session

PROMPT = "A long long time ago, "
SETTINGS = Settings(max_new_tokens=900, min_new_tokens=900)

RATE = 1_000
"""Tokens per second."""

PAIRS = 15
"""How many runs without a journal, each with one with it right behind."""

OPENED = 10_000
"""So many steps has the session that is opened."""

OPENINGS = 7

_FRAME = 1 / 30  # seconds


class Measured(NamedTuple):
    """Of one run: tokens per second, and processor seconds a token, of the main thread and all."""

    rate: float
    main: float
    whole: float


def steps_of_the_bundled_model() -> list[Event]:
    """Return all events of a run."""
    backend = LocalBackend("demo", device="cpu")
    backend.load(lambda stage, share=None: None)
    return list(backend.generate(Request(PROMPT, SETTINGS), lambda: False))


def run_paced(events: Sequence[Event], rate: int, record: Callable[[Entry], None]) -> Measured:
    """Take over ``events`` as they come, as the app does, and tell ``record`` of each."""
    brought: SimpleQueue[Event] = SimpleQueue()
    ends: list[float] = []
    worker = threading.Thread(target=_bring, args=(events, 1 / rate, brought, ends))
    document = Document()
    document.begin(PROMPT, "greedy", SETTINGS)
    main, whole = time.thread_time(), time.process_time()
    worker.start()
    while document.is_running:
        time.sleep(_FRAME)
        for event in _drained(brought):
            document.apply(event)
            if isinstance(event, Started):
                branch = Beginning(ROOT, 0, event.context_token_ids, PROMPT)
                record(run_begun(1, branch, document.turns, ()))
            elif isinstance(event, TokenStep | Finished):
                record(event)
    main, whole = time.thread_time() - main, time.process_time() - whole
    worker.join()
    steps = document.step_count()
    return Measured((len(ends) - 1) / (ends[-1] - ends[0]), main / steps, whole / steps)


def _bring(
    events: Sequence[Event], seconds: float, brought: SimpleQueue[Event], ends: list[float]
) -> None:
    last = time.perf_counter()
    for event in events:
        if isinstance(event, TokenStep):
            time.sleep(max(0.0, last + seconds - time.perf_counter()))
            last = time.perf_counter()
            ends.append(last)
        brought.put(event)


def _drained(brought: SimpleQueue[Event]) -> list[Event]:
    events: list[Event] = []
    while True:
        try:
            events.append(brought.get_nowait())
        except Empty:
            return events


def with_a_journal(events: Sequence[Event], rate: int, folder: Path) -> Measured:
    """Run with a session in a new file of ``folder``, which has begun before.

    Raises:
        RuntimeError: It cannot be written.
    """
    session = open_session(folder / f"{time.monotonic_ns()}.jsonl")
    session.record(PromptSent(PROMPT))  # with it, the versions of all that is installed are read
    if session.journal is None or not session.journal.flush(10.0):
        raise RuntimeError(*session.notes)
    measured = run_paced(events, rate, session.record)
    close(session)
    return measured


def close(session: Session) -> None:
    """Make sure that all that was measured was also written.

    Raises:
        RuntimeError: It was not.
    """
    if not session.close():
        raise RuntimeError(session.take_fault())


def opening_seconds(events: Sequence[Event], steps: int, path: Path) -> float:
    """Return how long a session of ``steps`` steps takes to open, all runs one behind another."""
    if not path.exists():
        session = open_session(path)
        session.settled()
        started = next(event for event in events if isinstance(event, Started))
        context, end = started.context_token_ids, events[-1]
        token_steps = [event for event in events if isinstance(event, TokenStep)]
        written = 0
        while written < steps:
            document = Document()
            document.begin(PROMPT, "greedy", SETTINGS)
            document.apply(started)
            node_id = written // len(token_steps) + 1
            session.record(
                run_begun(node_id, Beginning(ROOT, 0, context, PROMPT), document.turns, ())
            )
            for step in token_steps[: steps - written]:
                session.record(step)
            written += len(token_steps)
            if isinstance(end, Finished):
                session.record(end)
        close(session)
    began = time.perf_counter()
    session = open_session(path)
    elapsed = time.perf_counter() - began
    found = sum(len(node.run.steps) for node in session.state.tree.nodes)
    if found != steps:
        raise RuntimeError(f"{found:,} steps were found, and not {steps:,}")
    close(session)
    return elapsed


def main() -> None:
    """Print medians and quartiles."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rate", type=int, default=RATE, help=f"default: {RATE}")
    asked.add_argument("--pairs", type=int, default=PAIRS)
    asked.add_argument("--folder", help="where the sessions lie; default: a temporary folder")
    options = asked.parse_args()
    events = steps_of_the_bundled_model()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder, rate = Path(name), options.rate
        pairs = [
            (run_paced(events, rate, lambda entry: None), with_a_journal(events, rate, folder))
            for _ in range(options.pairs + 1)
        ][1:]
        size = next(folder.iterdir()).stat().st_size
        path = folder / "opened.jsonl"
        seconds = [opening_seconds(events, OPENED, path) for _ in range(OPENINGS)]
    print(f"without a journal, tokens/s: {quartiles([plain.rate for plain, _ in pairs])}")
    print(f"with a journal, tokens/s: {quartiles([kept.rate for _, kept in pairs])}")
    print(
        f"what is left of the rate: {quartiles([kept.rate / plain.rate for plain, kept in pairs])}"
    )
    for what in ("main", "whole"):
        more = [1e6 * (getattr(kept, what) - getattr(plain, what)) for plain, kept in pairs]
        thread = "main thread" if what == "main" else "all threads"
        print(f"{thread}, µs a token for the journal: {quartiles(more)}")
    print(f"bytes a token: {size / sum(isinstance(one, TokenStep) for one in events):.0f}")
    print(f"opening {OPENED:,} steps, s: {quartiles(seconds)}")


if __name__ == "__main__":
    main()
