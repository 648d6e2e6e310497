"""Where the raw logits of token runs are kept for looking back, under a ceiling of memory.

Must never import torch, and never alters a run: the engine adds, everyone else reads copies that
nobody can change. Any thread may call anything here.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from dataclasses import dataclass, field

from core.records.recorded_run import RecordedRun, RecordedStep, RunRecorder, RunStart

DEFAULT_LIMIT = 512 * 2**20
"""In bytes: about 2,600 steps of gpt2-xl's vocabulary, whole runs of smaller ones."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """How full the store is; sizes in bytes."""

    size: int
    limit: int
    kept_steps: int
    dropped_steps: int

    @property
    def sentence(self) -> str:
        """What a person should know of it; empty while nothing was dropped."""
        if not self.dropped_steps:
            return ""
        return (
            f"the logits of the oldest {self.dropped_steps:,} steps were dropped to stay under"
            f" {self.limit / 2**20:,.0f} MiB; those of {self.kept_steps:,} steps are kept"
        )


@dataclass(slots=True, eq=False)
class _Run:
    """Of its first steps only the tokens are left; ``kept`` are the others."""

    start: RunStart
    token_ids: array[int] = field(default_factory=lambda: array("q"))
    kept: deque[RecordedStep] = field(default_factory=deque)
    forced: set[int] = field(default_factory=set)


class LogitsStore:
    """Keeps recorded steps by run and index; drops the oldest where ``limit`` bytes are full.

    A step larger than ``limit`` by itself is dropped as well: nothing ever exceeds it. The run
    that began first is the oldest.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}
        self._keeping: dict[str, _Run] = {}  # those that have logits: the oldest is found at once
        self._size = 0
        self._dropped = 0

    def recorder(self, key: str) -> RunRecorder:
        """Return what a request takes along so that its run is recorded as ``key``."""
        return _Recorder(self, key)

    def run(self, key: str) -> RecordedRun | None:
        """Return the run ``key`` as it is now; ``None`` where it has not begun."""
        with self._lock:
            run = self._runs.get(key)
            if run is None:
                return None
            dropped = len(run.token_ids) - len(run.kept)
            steps = ((None,) * dropped) + tuple(run.kept)
            return RecordedRun(key, run.start, tuple(run.token_ids), steps, frozenset(run.forced))

    def facts(self) -> StoreFacts:
        """Return how full the store is."""
        with self._lock:
            kept = sum(len(run.kept) for run in self._keeping.values())
            return StoreFacts(self._size, self._limit, kept, self._dropped)

    def forget(self, key: str) -> None:
        """Free the run ``key``, if it is here."""
        with self._lock:
            self._forget(key)

    def begin(self, key: str, start: RunStart) -> None:
        """Open the run ``key``; one of that name before it is forgotten."""
        with self._lock:
            self._forget(key)
            self._runs[key] = _Run(start)

    def add(self, key: str, step: RecordedStep) -> None:
        """Append a step to the run ``key``; one that was forgotten meanwhile stays so."""
        with self._lock:
            run = self._runs.get(key)
            if run is None:
                return
            if step.is_forced:
                run.forced.add(len(run.token_ids))
            run.token_ids.append(step.token_id)
            run.kept.append(step)
            self._keeping[key] = run
            self._size += step.size
            while self._size > self._limit:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, run = next(iter(self._keeping.items()))
        self._size -= run.kept.popleft().size
        self._dropped += 1
        if not run.kept:
            del self._keeping[key]

    def _forget(self, key: str) -> None:
        self._runs.pop(key, None)
        run = self._keeping.pop(key, None)
        if run is not None:
            self._size -= sum(step.size for step in run.kept)


class _Recorder:
    """A ``RunRecorder`` of one run in a ``LogitsStore``."""

    def __init__(self, store: LogitsStore, key: str) -> None:
        self._store = store
        self._key = key

    def begin(self, start: RunStart) -> None:
        """Open the run; what was recorded under its key before is forgotten."""
        self._store.begin(self._key, start)

    def add(self, step: RecordedStep) -> None:
        """Append the next step."""
        self._store.add(self._key, step)
