"""What a fork costs: the first step after step 500 was changed, beside a plain step.

Run with ``python -m benchmarks.fork``. Prints medians over alternating runs. Must never decide
whether a test passes: machines differ.
"""

from __future__ import annotations

import itertools
import statistics

from core.backends.local import LocalBackend
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Event, Started, TokenStep

PROMPT = "A long long time ago, "
STEP = 500
ROUNDS = 7
LONG = Settings(max_new_tokens=STEP + 20, min_new_tokens=STEP + 20)
SHORT = Settings(max_new_tokens=2, min_new_tokens=2)


def first_step(events: list[Event]) -> float:
    """Return the seconds until the first step of a run was done."""
    return next(event.elapsed for event in events if isinstance(event, TokenStep))


def run(backend: LocalBackend, request: Request) -> list[Event]:
    """Return all events of one run."""
    return list(backend.generate(request, lambda: False))


def main() -> None:
    """Print the medians."""
    backend = LocalBackend("demo", device="cpu")
    backend.load(lambda stage, share=None: None)
    plain: list[float] = []
    forks: list[float] = []
    anew: list[float] = []
    for _ in range(ROUNDS):
        events = run(backend, Request(PROMPT, LONG))
        context = next(one.context_token_ids for one in events if isinstance(one, Started))
        steps = [one for one in events if isinstance(one, TokenStep)]
        times = [one.elapsed for one in steps]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        plain.append(statistics.median(gaps[STEP - 50 :]))
        kept = context + tuple(one.token.token_id for one in steps[:STEP])
        other = steps[STEP].distribution.candidates[1].token_id
        forks.append(first_step(run(backend, Request("", SHORT, (*kept, other)))))
        run(backend, Request("Another text.", SHORT))
        anew.append(first_step(run(backend, Request("", SHORT, (*kept, other)))))
    step, fork, prefill = map(statistics.median, (plain, forks, anew))
    print(f"a plain step near step {STEP}: {1000 * step:.2f} ms")
    print(f"first step of a fork there: {1000 * fork:.2f} ms, {fork / step:.1f} plain steps")
    print(f"the same without the cache: {1000 * prefill:.2f} ms, {prefill / step:.1f} plain steps")


if __name__ == "__main__":
    main()
