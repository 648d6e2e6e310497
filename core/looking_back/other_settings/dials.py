"""The settings of a run or a preset as dials that turn: which values a key goes through.

Must never look at a widget, and never gives settings that contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from core.records.setting_facts.table import FACTS
from core.records.settings import BEAMS_ONLY, SAMPLING_ONLY, Settings, settings_from_mapping

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
    values = [one for one in dial.values if not _exceeds(dial.name, one, vocabulary_size)]
    if all(_place(dial.name, one) != _place(dial.name, own) for one in values):
        values.append(own)
    return tuple(sorted(values, key=lambda one: _place(dial.name, one)))


def position(name: str, values: Sequence[Value], value: Value) -> int:
    """Return how many of ``values`` stand to the left of ``value``."""
    return sum(_place(name, one) < _place(name, value) for one in values)


@dataclass(frozen=True, slots=True)
class Dials:
    """How the dials stand.

    ``own`` are the run's settings. ``sampling`` are the ones set, with ``do_sample``: so what is
    set of sampling outlives a look at greedy.
    """

    own: Settings
    sampling: Settings
    do_sample: bool

    @classmethod
    def of(cls, own: Settings, now: Settings | None = None) -> Dials:
        """Return the dials as ``own`` has them, turned to where ``now`` has them if that is given.

        What has no dial is the same in both.
        """
        now = own if now is None else now
        return cls(own, now.replace(do_sample=True), now.do_sample)

    @property
    def settings(self) -> Settings:
        """What the dials mean; without ``do_sample``, what only sampling has is left out."""
        if self.do_sample:
            return self.sampling
        left_out = (*SAMPLING_ONLY, "do_sample")
        mapping = self.sampling.to_mapping()
        return settings_from_mapping(
            {name: value for name, value in mapping.items() if name not in left_out}
        )

    @property
    def is_own(self) -> bool:
        """Whether the settings are those of the run."""
        return self.settings == self.own

    def is_idle(self, name: str) -> bool:
        """Whether a setting has no effect because nothing is drawn."""
        return name in SAMPLING_ONLY and not self.do_sample

    def value(self, name: str) -> Value:
        """Return where a dial stands."""
        return self.do_sample if name == "do_sample" else _value(self.sampling, name)

    def own_value(self, name: str) -> Value:
        """Return where the run had it."""
        return _value(self.own, name)

    def moved(self, dial: Dial, offset: int, vocabulary_size: int, *, is_large: bool) -> Dials:
        """Return the dials with one a step to the left (-1) or right (1); at its end it stays.

        One that only sampling has turns ``do_sample`` on.
        """
        name, now = dial.name, self.value(dial.name)
        values = dial.large if is_large else scale(dial, self.own_value(name), vocabulary_size)
        here = _place(name, now)
        beyond = [
            one
            for one in values
            if (_place(name, one) - here) * offset > 0
            and not _exceeds(name, one, vocabulary_size)
            and self._can_have(name, one)
        ]
        if not beyond:
            return self
        return self._with(name, beyond[0] if offset > 0 else beyond[-1])

    def reset(self, name: str) -> Dials:
        """Return the dials with one back where the run had it."""
        if name == "do_sample":
            return replace(self, do_sample=self.own.do_sample)
        return replace(self, sampling=self._set(name, self.own_value(name)))

    def with_preset(self, settings: Settings) -> Dials:
        """Return the dials as ``settings`` of a preset have them."""
        taken: dict[str, Any] = {name: getattr(settings, name) for name in PER_STEP}
        taken["do_sample"] = True
        return replace(self, sampling=self.own.replace(**taken), do_sample=settings.do_sample)

    def agrees_with(self, settings: Settings) -> bool:
        """Whether ``settings`` of a preset choose as the dials do."""
        mine = self.settings
        return all(getattr(mine, name) == getattr(settings, name) for name in PER_STEP)

    def _with(self, name: str, value: Value) -> Dials:
        if name == "do_sample":
            return replace(self, do_sample=bool(value))
        does_sample = self.do_sample or name in SAMPLING_ONLY
        return replace(self, sampling=self._set(name, value), do_sample=does_sample)

    def _set(self, name: str, value: Value) -> Settings:
        """Return ``sampling`` with one value, and with what cannot be had without or beside it."""
        changes: dict[str, Any] = {name: value}
        sampling = self.sampling
        if name == "num_beams":
            sampling = sampling.without_beams()
            if value != 1 and self.own.num_beams > 1:
                changes |= {one: getattr(self.own, one) for one in BEAMS_ONLY}
        elif name == "max_new_tokens":
            is_own = value == self.own.max_new_tokens
            changes["max_length"] = self.own.max_length if is_own else None
        return sampling.replace(**changes)

    def _can_have(self, name: str, value: Value) -> bool:
        """Return whether a value contradicts none of those that have no dial."""
        least = self.sampling.min_new_tokens
        if name != "max_new_tokens" or value is None or least is None:
            return True
        return value >= least


def _value(settings: Settings, name: str) -> Value:
    value: Value = getattr(settings, name)
    return value


def _place(name: str, value: Value) -> float:
    """Return where a value stands from left to right."""
    if name == "top_k" and value == _NO_TOP_K:
        return math.inf
    if name == "seed" and value is None:
        return -1.0
    return float(value or 0)


def _exceeds(name: str, value: Value, vocabulary_size: int) -> bool:
    """Return whether a ``top_k`` is no different from all tokens."""
    return name == "top_k" and bool(value) and float(value or 0) >= vocabulary_size
