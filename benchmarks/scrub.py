"""What scrubbing costs: 256 steps of gpt2-xl's vocabulary, swept with other settings.

Run with ``python -m benchmarks.scrub``. Prints medians beside the goal of 50 ms, and how much
slower the plain processors are. It runs on one thread: what a sweep needs is little, and other work
on the machine disturbs it less. Must never decide whether a test passes: machines differ.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from core.decoding.recording import record_step
from core.looking_back.dice import Dice
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper, plain_step
from core.records.decode_state import DecodeState
from core.records.recorded_run import RecordedRun, RunStart
from core.records.settings import Settings

STEPS = 256
VOCABULARY = 50_257
PROMPT = 200
ROUNDS = 15
GOAL = 0.050

SWEEPS = {
    "temperature": Settings(do_sample=True, top_k=0, temperature=0.8),
    "top_k": Settings(do_sample=True, top_k=40),
    "top_k, wide": Settings(do_sample=True, top_k=2000),
    "top_p": Settings(do_sample=True, top_k=0, top_p=0.9),
    "all four": Settings(do_sample=True, top_k=300, top_p=0.95, min_p=0.01, temperature=1.2),
    "repetition_penalty": Settings(do_sample=True, top_k=0, top_p=0.9, repetition_penalty=1.2),
    "no_repeat_ngram_size": Settings(do_sample=True, top_k=0, no_repeat_ngram_size=3),
    "greedy": Settings(),
}


class Unnamed:
    """Texts for tokens that nobody reads."""

    special_token_ids: frozenset[int] = frozenset()

    def token_text(self, token_id: int) -> str:
        """Return its number."""
        return str(token_id)

    def encode(self, text: str, *, is_beginning: bool) -> list[int]:
        """Return nothing."""
        return []

    def state_after(self, token_ids: Sequence[int]) -> DecodeState:
        """Return the beginning."""
        return DecodeState()

    def extend(self, state: DecodeState, token_id: int) -> tuple[str, DecodeState]:
        """Return its number."""
        return str(token_id), state


def recorded_run() -> RecordedRun:
    """Return a run of random logits as peaked and as far below 0 as GPT-2's."""
    generator = torch.Generator().manual_seed(0)
    store = LogitsStore()
    recorder = store.recorder("run")
    prompt = tuple(torch.randint(VOCABULARY, (PROMPT,), generator=generator).tolist())
    settings = Settings(do_sample=True, top_k=0)
    recorder.begin(RunStart(prompt, settings, (50_256,), 0, "cpu", Unnamed()))
    for _ in range(STEPS):
        logits = torch.randn(1, VOCABULARY, generator=generator) * 3 - 60
        dice = generator.get_state()
        token_id = int(torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator))
        recorder.add(record_step(logits, token_id, dice))
    run = store.run("run")
    if run is None:
        raise TypeError("the run was recorded")
    return run


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print the medians."""
    torch.set_num_threads(1)
    run = recorded_run()
    sweeper = Sweeper(run)
    print(f"{STEPS} steps of {VOCABULARY:,} tokens, a prompt of {PROMPT}")
    print(f"prepared once: {seconds(sweeper.prepare):.2f} s")
    print(f"for penalties: {seconds(lambda: sweeper.prepare(moves=True)):.2f} s")
    times: dict[str, list[float]] = {name: [] for name in SWEEPS}
    for _ in range(ROUNDS):
        for name, settings in SWEEPS.items():
            times[name].append(seconds(lambda settings=settings: scrub(sweeper, settings)))  # type: ignore[misc]
    dice = Dice(run)
    few = range(0, STEPS, 32)
    for name, settings in SWEEPS.items():
        median, worst = statistics.median(times[name]), max(times[name])
        plain = STEPS * statistics.median(
            seconds(lambda at=at, settings=settings: plain_step(run, at, settings, dice))  # type: ignore[misc]
            for at in few
        )
        print(
            f"{name:22} median {1000 * median:5.1f} ms, worst {1000 * worst:5.1f} ms"
            f" ({median / GOAL:4.0%} of the goal); step by step {plain:5.2f} s,"
            f" {plain / median:,.0f} times"
        )


if __name__ == "__main__":
    main()
