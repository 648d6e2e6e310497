"""The table of dials: what of a run or a preset can be turned, and which values a key goes through.

Must never look at a widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from core.decoding.token_texts import with_token_ids
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.setting_facts.table import FACTS
from core.records.settings import SAMPLING_ONLY, Settings

Value = bool | int | float | tuple[Any, ...] | None

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

    @property
    def is_switch(self) -> bool:
        """Whether it turns off and on again what a preset names, of which there is no scale."""
        return FACTS[self.name].kind in ("tokens", "words", "biases")


def _steps(first: int, last: int, step: int, scale: int) -> tuple[float, ...]:
    return tuple(one / scale for one in range(first, last + 1, step))


_SHARES = (*_steps(5, 85, 5, 100), *_steps(90, 99, 1, 100), 0.995, 0.999, 1.0)
_LARGE_SHARES = (*_steps(1, 9, 1, 10), 0.95, 0.99, 1.0)
_CUTOFFS = (
    *(0.0, 1e-4, 2e-4, 3e-4, 6e-4, 9e-4, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02),
    *(0.05, 0.1, 0.2, 0.5),
)
_LEAST_LENGTHS = (*range(20), *range(20, 100, 5), *range(100, 501, 20))
_LARGE_LEAST_LENGTHS = (0, 10, 20, 50, 100, 200, 300, 500)


def _growing(*factors: float) -> tuple[tuple[int, float] | None, ...]:
    """Return decays by factors from the first token on; by 1, none."""
    return tuple((0, one) if one != 1.0 else None for one in factors)


def _switch(name: str) -> Dial:
    return Dial(name, ((),), ((),))


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
    Dial("top_h", (*_steps(5, 100, 5, 100), None), (*_steps(1, 10, 1, 10), None)),
    Dial("epsilon_cutoff", _CUTOFFS, (0.0, 3e-4, 9e-4, 0.003, 0.01, 0.05, 0.2)),
    Dial("eta_cutoff", _CUTOFFS, (0.0, 3e-4, 9e-4, 0.003, 0.01, 0.05, 0.2)),
    Dial(
        "guidance_scale",
        (*_steps(0, 90, 10, 100), None, *_steps(11, 30, 1, 10), 3.5, 4.0, 5.0, 7.5, 10.0),
        (0.0, 0.5, None, 1.5, 2.0, 3.0, 5.0, 10.0),
    ),
    Dial("min_length", _LEAST_LENGTHS, _LARGE_LEAST_LENGTHS),
    Dial("min_new_tokens", (None, *_LEAST_LENGTHS[1:]), (None, *_LARGE_LEAST_LENGTHS[1:])),
    Dial(
        "exponential_decay_length_penalty",
        _growing(
            *(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0),
            *(1.001, 1.002, 1.005, 1.01, 1.02, 1.03, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0),
        ),
        _growing(0.5, 0.9, 0.99, 1.0, 1.01, 1.05, 1.2, 2.0, 10.0),
    ),
    *map(
        _switch,
        (
            *("bad_words_ids", "sequence_bias", "suppress_tokens", "begin_suppress_tokens"),
            "forced_eos_token_id",
        ),
    ),
)
"""What can be seen on a single step, and so in scrubbing."""

_LENGTHS = (*range(1, 20), *range(20, 100, 5), *range(100, 500, 20), *range(500, 2001, 100))

RUN_DIALS: tuple[Dial, ...] = (
    *DIALS,
    Dial("renormalize_logits", (False, True), (False, True)),
    Dial("num_beams", (*range(1, 17), 20, 24, 32), (1, 2, 4, 8, 16, 32)),
    Dial("max_new_tokens", (None, *_LENGTHS), (None, 10, 20, 50, 100, 200, 500, 1000, 2000)),
    Dial("seed", (None, *range(100)), (None, *range(0, 100, 10))),
)
"""What can be turned before a run: what has no effect on a single step, too."""

PER_STEP: tuple[str, ...] = (
    *SAMPLING_ONLY,
    "repetition_penalty",
    "no_repeat_ngram_size",
    "guidance_scale",
    "negative_prompt_ids",
    "sequence_bias",
    "bad_words_ids",
    "remove_invalid_values",
    "suppress_tokens",
    "begin_suppress_tokens",
    "exponential_decay_length_penalty",
    "forced_eos_token_id",
    "do_sample",
)
"""What is taken over from a preset: all that acts step by step, but for lengths and seeds."""


def scrub_dials(run: RecordedRun) -> tuple[Dial, ...]:
    """Return what can be turned over ``run``: guidance only where it was asked for."""
    is_guided = _is_guided(run)
    return tuple(one for one in DIALS if is_guided or one.name != "guidance_scale")


def can_be_told(settings: Settings, run: RecordedRun) -> bool:
    """Whether it is known of ``run`` what ``settings`` of a preset would have made of it."""
    size = max((one.vocabulary_size for one in run.steps if one is not None), default=1)
    try:
        asked = with_token_ids(settings, run.start.texts, size)
    except PlaygroundError:  # it names tokens that this model has not
        return False
    is_alike = asked.negative_prompt_ids == run.start.settings.negative_prompt_ids
    return asked.num_beams == 1 and (not asked.is_guided or (is_alike and _is_guided(run)))


def _is_guided(run: RecordedRun) -> bool:
    return any(one is not None and one.unconditional is not None for one in run.steps)


def shown(name: str, value: Value) -> str:
    """Return a value as a person reads it; of a decay its factor, of names whether there are any.

    What names nothing is off.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if name == "top_k" and value == _NO_TOP_K:
        return "all"
    if name in _WHERE_NONE and value is None:
        return _WHERE_NONE[name]
    if isinstance(value, tuple) and name != _DECAY:
        return "on" if value else "off"
    if value is None or (not value and name not in ("seed", "guidance_scale")):
        return "off"
    number = value[1] if isinstance(value, tuple) else value
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def scale(dial: Dial, own: Value, vocabulary_size: int) -> tuple[Value, ...]:
    """Return all values that small steps go through, with ``own`` in its place among them."""
    values = [one for one in dial.values if not exceeds(dial.name, one, vocabulary_size)]
    if all(place(dial.name, one) != place(dial.name, own) for one in values):
        values.append(own)
    return tuple(sorted(values, key=lambda one: place(dial.name, one)))


def position(name: str, values: Sequence[Value], value: Value) -> int:
    """Return how many of ``values`` stand to the left of ``value``."""
    return sum(place(name, one) < place(name, value) for one in values)


_DECAY = "exponential_decay_length_penalty"
_WITHOUT = {"top_h": 2.0, "guidance_scale": 1.0, _DECAY: 1.0, "seed": -1.0}
"""Where these stand when they have no value: where they would change nothing, and new dice first.

A ``top_h`` of 1 still cuts: only the 100 likeliest tokens have a share.
"""


def place(name: str, value: Value) -> float:
    """Return where a value stands from left to right."""
    if name == "top_k" and value == _NO_TOP_K:
        return math.inf
    if value is None:
        return _WITHOUT.get(name, 0.0)
    if isinstance(value, tuple):
        return float(value[1]) if name == _DECAY else float(bool(value))
    return float(value)


def exceeds(name: str, value: Value, vocabulary_size: int) -> bool:
    """Return whether a ``top_k`` is no different from all tokens."""
    return name == "top_k" and isinstance(value, int) and value != 0 and value >= vocabulary_size
