"""What columns side by side cost beside one run: one, four and six that sample, five beams.

Run with ``python -m benchmarks.columns [MODEL [DTYPE]]`` (gpt2, float32). Prints the median step of
each and its ratio to one column's, which has no assistant; they take turns, so that what else the
machine does falls on all. Must never decide whether a test passes: machines differ.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.models import make_model
from core.backends.local import LocalBackend
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, TokenStep

CONTEXT = (32, 890, 890, 640, 84, 11, 220)
STEPS = 40
ROUNDS = 5
NUCLEUS = Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=STEPS)
BEAMS = Settings(num_beams=5, max_new_tokens=STEPS)


def sampling(count: int) -> list[Settings]:
    """Return the settings of ``count`` columns that draw with the same dice."""
    return [NUCLEUS.replace(seed=1, temperature=0.6 + 0.2 * at) for at in range(count)]


CASES = {
    "one column": sampling(1),
    "four columns": sampling(4),
    "six columns": sampling(6),
    "five beams": [BEAMS],
    "four columns and five beams": [*sampling(4), BEAMS],
}


def step_seconds(backend: LocalBackend, columns: Sequence[Settings]) -> float:
    """Return the median seconds of a step of all ``columns``, told of by the first one."""
    requests = [Request("", one, CONTEXT) for one in columns]
    times = list(_times(backend, requests))
    return statistics.median(after - before for before, after in pairwise(times))


def _times(backend: LocalBackend, requests: Sequence[Request]) -> Iterator[float]:
    for told in backend.compare(requests, lambda: False):
        if told.column == 0 and isinstance(told.event, TokenStep | BeamStep):
            yield told.event.elapsed


def main(model: str = "gpt2", dtype: str = "float32") -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        place = make_model(model, dtype, Path(folder))
        backend = LocalBackend(str(place), "cpu", dtype, assistant="none")
        backend.load(lambda stage, share=None: None)
        taken: dict[str, list[float]] = {name: [] for name in CASES}
        for _ in range(ROUNDS):
            for name, columns in CASES.items():
                taken[name].append(step_seconds(backend, columns))
        backend.close()
    alone = taken["one column"]
    for name, seconds in taken.items():
        ratio = statistics.median(one / other for one, other in zip(seconds, alone, strict=True))
        print(f"{name}: {1000 * statistics.median(seconds):.1f} ms a step, {ratio:.2f} of one")


if __name__ == "__main__":
    main(*sys.argv[1:])
