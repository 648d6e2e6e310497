"""Values as YAML, JSON or Python give them to the type of their setting, each within its range.

Must never know what a setting does. What is wrong raises ``ValueError`` with a whole sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from core.records.setting_facts.facts import Kind, SettingFacts

Token = int | str
"""One token: its id, or its text."""
Word = str | tuple[int, ...]
"""A text of one token or more, or their ids."""

_LARGEST_BIAS = 1e9
_LARGEST_DECAY = 10.0
_LONGEST_SHOWN = 80


def checked(facts: SettingFacts, value: object) -> object:
    """Return ``value`` in the type of the setting.

    Raises:
        ValueError: It is of another type, or out of range.
    """
    return _CHECKS[facts.kind](facts, value)


def plain(value: object) -> object:
    """Return a value as JSON has it: lists for tuples, however deep."""
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def _fault(facts: SettingFacts, value: object, hint: str = "") -> ValueError:
    shown = repr(value)
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[:_LONGEST_SHOWN] + "…"
    return ValueError(f"{facts.name} must be {facts.values}, not {shown}{hint}")


def _whole_number(facts: SettingFacts, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{facts.name} must be a whole number, not {value!r}")  # noqa: TRY004
    if not facts.holds(value):
        raise _fault(facts, value)
    return value


def _real_number(facts: SettingFacts, value: object) -> float:
    name, words = facts.name, facts.values
    number = _finite_or_not(value)
    if number is None:
        raise ValueError(f"{name} must be a number, not {value!r}")
    if facts.holds(number):
        return number
    if not math.isfinite(number):
        words = f"a finite number {words}"
    hint = ""
    if name == "temperature" and number == 0:
        hint = "; for the likeliest token at every step use do_sample: false"
    raise ValueError(f"{name} must be {words}, not {value!r}{hint}")


def _finite_or_not(value: object) -> float | None:
    """Return a number as a float, infinite where it has no room there; ``None`` for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _truth(facts: SettingFacts, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _fault(facts, value)


def _choice(facts: SettingFacts, value: object) -> bool | str:
    if isinstance(value, bool) or value == "never":
        return value
    raise _fault(facts, value)


def _texts(facts: SettingFacts, value: object) -> tuple[str, ...]:
    strings = (value,) if isinstance(value, str) else value
    if not isinstance(strings, list | tuple) or not all(isinstance(one, str) for one in strings):
        raise _fault(facts, value, "; quote what is to be a text")
    return tuple(_not_empty(facts, one) for one in strings)


def _not_empty(facts: SettingFacts, text: str) -> str:
    if not text:
        raise ValueError(f"{facts.name} must not hold an empty text")
    return text


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _tokens(facts: SettingFacts, value: object) -> tuple[Token, ...]:
    tokens = value if isinstance(value, list | tuple) else (value,)
    return tuple(_token(facts, one) for one in tokens)


def _token(facts: SettingFacts, value: object) -> Token:
    if isinstance(value, str):
        return _not_empty(facts, value)
    if isinstance(value, int) and _is_id(value):
        return value
    raise _fault(facts, value)


def _words(facts: SettingFacts, value: object) -> tuple[Word, ...]:
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise _fault(facts, value)
    return tuple(_word(facts, one) for one in words)


def _word(facts: SettingFacts, value: object) -> Word:
    if isinstance(value, str):
        return _not_empty(facts, value)
    if isinstance(value, list | tuple) and value and all(map(_is_id, value)):
        return tuple(value)
    raise _fault(facts, value)


def _biases(facts: SettingFacts, value: object) -> tuple[tuple[Word, float], ...]:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list | tuple):
        raise _fault(facts, value)
    found: dict[Word, float] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise _fault(facts, value)
        number = _finite_or_not(pair[1])
        if number is None or not abs(number) <= _LARGEST_BIAS:
            raise ValueError(
                f"{facts.name} must have numbers from -1e9 to 1e9, not {pair[1]!r}; to forbid words"
                " use bad_words_ids"
            )
        found[_word(facts, pair[0])] = number
    return tuple(found.items())


def _decay(facts: SettingFacts, value: object) -> tuple[int, float]:
    if isinstance(value, list | tuple) and len(value) == 2 and _is_id(value[0]):
        factor = _finite_or_not(value[1])
        if factor is not None and 0 < factor <= _LARGEST_DECAY:
            return value[0], factor
    raise _fault(facts, value)


_CHECKS: dict[Kind, Callable[[SettingFacts, object], object]] = {
    "whole": _whole_number,
    "number": _real_number,
    "truth": _truth,
    "choice": _choice,
    "texts": _texts,
    "tokens": _tokens,
    "words": _words,
    "word": _word,
    "biases": _biases,
    "decay": _decay,
}
