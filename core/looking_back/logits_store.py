"""Where the raw logits of token runs are kept for looking back, under a ceiling of memory.

Must never import torch, and never alters a run: the engine adds, everyone else reads copies that
nobody can change. Any thread may call anything here.
"""

from __future__ import annotations

import threading
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
    """``dropped`` counts the steps, from the first on, of which only the token is left."""

    start: RunStart
    token_ids: list[int] = field(default_factory=list)
    steps: list[RecordedStep | None] = field(default_factory=list)
    forced: set[int] = field(default_factory=set)
    dropped: int = 0

    @property
    def kept_size(self) -> int:
        """The memory that its steps take, in bytes."""
        return sum(step.size for step in self.steps if step is not None)


class LogitsStore:
    """Keeps recorded steps by run and index; drops the oldest where ``limit`` bytes are full.

    A step larger than ``limit`` by itself is dropped as well: nothing ever exceeds it. The run
    that began first is the oldest.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}
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
            token_ids, steps = tuple(run.token_ids), tuple(run.steps)
            return RecordedRun(key, run.start, token_ids, steps, frozenset(run.forced))

    def facts(self) -> StoreFacts:
        """Return how full the store is."""
        with self._lock:
            kept = sum(len(run.steps) - run.dropped for run in self._runs.values())
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
                run.forced.add(len(run.steps))
            run.token_ids.append(step.token_id)
            run.steps.append(step)
            self._size += step.size
            if self._size > self._limit:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        for run in self._runs.values():
            for step in run.steps[run.dropped :]:
                if step is None or self._size <= self._limit:
                    return
                self._size -= step.size
                run.steps[run.dropped] = None
                run.dropped += 1
                self._dropped += 1

    def _forget(self, key: str) -> None:
        run = self._runs.pop(key, None)
        if run is not None:
            self._size -= run.kept_size


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
