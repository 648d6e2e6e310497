"""The fields of a JSON object out of a file of anywhere, each of the kind that it must be of.

Must never take one kind for another: true is no number, and what is absent is no zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

LARGEST_COUNT = 2**63 - 1

_Known = TypeVar("_Known", bound=str)

_NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
"""Numbers that JSON has none for, by the texts that stand for them."""


def number_field(value: float) -> float | str:
    """Return what stands for ``value`` in a JSON object: itself, or a text that JSON can hold."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


class Fields:
    """A JSON object, asked for its fields by the kind that each must be of.

    What is asked for raises ``ValueError`` where it is missing or of another kind; the text names
    the field. Counts are whole numbers from 0 to ``LARGEST_COUNT``.
    """

    __slots__ = ("_values",)

    def __init__(self, value: object) -> None:
        if type(value) is not dict:
            raise ValueError("what should be an object is none")
        self._values: dict[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_missing(self, name: str) -> bool:
        """Whether there is no such field, or ``null`` in it."""
        return self._values.get(name) is None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text, which may be any; ``default``, if there is one, where it is absent."""
        value = self._values.get(name, default)
        if type(value) is not str:
            raise self._fault(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text; ``None`` for JSON's ``null``, and where it is absent."""
        value = self._values.get(name)
        return None if value is None else self.text(name)

    def choice(self, name: str, known: tuple[_Known, ...], default: str | None = None) -> _Known:
        """Return the one of the texts ``known`` that it is."""
        value = self.text(name, default)
        for one in known:
            if one == value:
                return one
        raise self._fault(name)

    def count(self, name: str, default: int | None = None) -> int:
        """Return a count; ``default``, if there is one, where it is absent."""
        value = self._values.get(name, default)
        if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
            raise self._fault(name)
        return value

    def count_or_none(self, name: str) -> int | None:
        """Return a count; ``None`` for JSON's ``null``, and where it is absent."""
        return None if self._values.get(name) is None else self.count(name)

    def number(self, name: str, null: float | None = None) -> float:
        """Return a number; ``null``, if there is one, for JSON's ``null``.

        It is finite, or one of the texts that ``number_field`` gives.
        """
        value = self._values.get(name, "")
        if type(value) is float and math.isfinite(value):
            return value
        if value is None and null is not None:
            return null
        if type(value) is int and abs(value) <= LARGEST_COUNT:
            return float(value)
        if type(value) is str and value in _NOT_FINITE:
            return _NOT_FINITE[value]
        raise self._fault(name)

    def number_or_none(self, name: str) -> float | None:
        """Return a number; ``None`` for JSON's ``null``, and where it is absent."""
        value = self._values.get(name)
        if type(value) is float and math.isfinite(value):
            return value
        return None if value is None else self.number(name)

    def flag(self, name: str) -> bool:
        """Return true or false; false where it is absent."""
        value = self._values.get(name, False)
        if type(value) is not bool:
            raise self._fault(name)
        return value

    def token_ids(self, name: str) -> tuple[int, ...]:
        """Return a list of counts."""
        value = self._values.get(name)
        if type(value) is not list:
            raise self._fault(name)
        if not all(type(one) is int and 0 <= one <= LARGEST_COUNT for one in value):
            raise self._fault(name)
        return tuple(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._values.get(name)
        if type(value) is not list or not all(type(one) is str for one in value):
            raise self._fault(name)
        return tuple(value)

    def values(self, name: str) -> Mapping[str, Any]:
        """Return an object as it is, for whoever checks it all."""
        value = self._values.get(name)
        if type(value) is not dict:
            raise self._fault(name)
        return value

    def part(self, name: str) -> Fields:
        """Return an object."""
        return Fields(self._values.get(name))

    def parts(self, name: str) -> list[Fields]:
        """Return a list of objects."""
        value = self._values.get(name)
        if type(value) is not list:
            raise self._fault(name)
        return [Fields(one) for one in value]

    def _fault(self, name: str) -> ValueError:
        fault = "is missing" if name not in self._values else "is of another kind"
        return ValueError(f"{name!r} {fault}")
