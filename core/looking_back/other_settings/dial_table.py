"""The table of dials: what of a run or a preset can be turned, and which values a key goes through.

Must never look at a widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from core.records.setting_facts.table import FACTS
from core.records.settings import SAMPLING_ONLY

Value = bool | int | float | None

_NO_TOP_K = 0
_WHERE_NONE = {"seed": "new", "max_new_tokens": "unset"}
"""What stands where these have no value: each run draws a seed, another setting says the length."""


class Dial(NamedTuple):
    """One setting: its values from left to right, in small and in large steps."""

    name: str
    values: tuple[Value, ...]
    large: tuple[Value, ...]

    @property
    def meaning(self) -> str:
        """What it does, in a phrase."""
        return FACTS[self.name].meaning


def _steps(first: int, last: int, step: int, scale: int) -> tuple[float, ...]:
    return tuple(one / scale for one in range(first, last + 1, step))


_SHARES = (*_steps(5, 85, 5, 100), *_steps(90, 99, 1, 100), 0.995, 0.999, 1.0)
_LARGE_SHARES = (*_steps(1, 9, 1, 10), 0.95, 0.99, 1.0)

DIALS: tuple[Dial, ...] = (
    Dial(
        "temperature",
        (*_steps(5, 200, 5, 100), 2.25, 2.5, 2.75, 3.0, 4.0, 5.0),
        (0.1, *_steps(25, 200, 25, 100), 2.5, 3.0, 4.0, 5.0),
    ),
    Dial(
        "top_k",
        (
            *range(1, 20),
            *range(20, 100, 5),
            *range(100, 500, 50),
            *range(500, 1000, 100),
            *(1000, 2000, 5000, 10_000, 20_000, _NO_TOP_K),
        ),
        (1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, _NO_TOP_K),
    ),
    Dial("top_p", (0.01, *_SHARES), _LARGE_SHARES),
    Dial(
        "min_p",
        (
            *(None, 0.001, 0.002, 0.005, *_steps(1, 10, 1, 100)),
            *(*_steps(15, 45, 5, 100), *_steps(5, 10, 1, 10)),
        ),
        (None, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0),
    ),
    Dial("typical_p", _SHARES, _LARGE_SHARES),
    Dial(
        "repetition_penalty",
        (*_steps(50, 200, 5, 100), 2.25, 2.5, 2.75, 3.0),
        (*_steps(50, 200, 25, 100), 2.5, 3.0),
    ),
    Dial("no_repeat_ngram_size", (*range(13),), (0, 3, 6, 9, 12)),
    Dial("do_sample", (False, True), (False, True)),
)

_LENGTHS = (*range(1, 20), *range(20, 100, 5), *range(100, 500, 20), *range(500, 2001, 100))

RUN_DIALS: tuple[Dial, ...] = (
    *DIALS,
    Dial("num_beams", (*range(1, 17), 20, 24, 32), (1, 2, 4, 8, 16, 32)),
    Dial("max_new_tokens", (None, *_LENGTHS), (None, 10, 20, 50, 100, 200, 500, 1000, 2000)),
    Dial("seed", (None, *range(100)), (None, *range(0, 100, 10))),
)
"""What can be turned before a run: what has no effect on a single step, too."""

PER_STEP: tuple[str, ...] = (
    *SAMPLING_ONLY,
    "repetition_penalty",
    "no_repeat_ngram_size",
    "sequence_bias",
    "bad_words_ids",
    "remove_invalid_values",
    "suppress_tokens",
    "begin_suppress_tokens",
    "do_sample",
)
"""What is taken over from a preset: all that acts step by step, but for lengths and seeds."""


def shown(name: str, value: Value) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if name == "top_k" and value == _NO_TOP_K:
        return "all"
    if name in _WHERE_NONE and value is None:
        return _WHERE_NONE[name]
    if not value and name != "seed":
        return "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def scale(dial: Dial, own: Value, vocabulary_size: int) -> tuple[Value, ...]:
    """Return all values that small steps go through, with ``own`` in its place among them."""
    values = [one for one in dial.values if not exceeds(dial.name, one, vocabulary_size)]
    if all(place(dial.name, one) != place(dial.name, own) for one in values):
        values.append(own)
    return tuple(sorted(values, key=lambda one: place(dial.name, one)))


def position(name: str, values: Sequence[Value], value: Value) -> int:
    """Return how many of ``values`` stand to the left of ``value``."""
    return sum(place(name, one) < place(name, value) for one in values)


def place(name: str, value: Value) -> float:
    """Return where a value stands from left to right."""
    if name == "top_k" and value == _NO_TOP_K:
        return math.inf
    if name == "seed" and value is None:
        return -1.0
    return float(value or 0)


def exceeds(name: str, value: Value, vocabulary_size: int) -> bool:
    """Return whether a ``top_k`` is no different from all tokens."""
    return name == "top_k" and bool(value) and float(value or 0) >= vocabulary_size
