"""One setting over a range, as it is typed: ``temperature=0.2:1.4:5``, or ``top_p=0.5,0.9``.

Must never read a value otherwise than a preset does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.presets.yaml_nodes import YamlError, parse_scalar
from core.records.comparison import FEWEST_COLUMNS, MOST_COLUMNS
from core.records.errors import PlaygroundError
from core.records.setting_facts.table import FACTS
from core.records.settings import check_setting_name

_FORM = "name=first:last:how many, or name=a,b,c, such as temperature=0.2:1.4:5"
_SWEPT = ("number", "whole", "truth", "choice")


@dataclass(frozen=True, slots=True)
class Sweep:
    """A setting and the values that it takes in turn, with how each is written."""

    name: str
    values: tuple[Any, ...]
    shown: tuple[str, ...]


def sweep_of(text: str, *, most: int = MOST_COLUMNS) -> Sweep:
    """Read a sweep; ``min_p=none,0.05`` has a column without the setting.

    Raises:
        PlaygroundError: It is none, or of a setting that has no range.
    """
    name, equals, values = text.partition("=")
    name = name.strip()
    if not equals or not name or not values.strip():
        raise PlaygroundError(f"a sweep is {_FORM}; {text!r} is none")
    check_setting_name(name)
    if FACTS[name].kind not in _SWEPT:
        raise PlaygroundError(f"{name} has no range to sweep; compare presets that set it")
    if name == "seed":
        raise PlaygroundError("seeds are compared with --seeds N, not swept")
    shown = (
        _range(name, values, most) if ":" in values else [one.strip() for one in values.split(",")]
    )
    if not FEWEST_COLUMNS <= len(shown) <= most:
        raise PlaygroundError(
            f"a sweep has {FEWEST_COLUMNS} to {most} values, and {text!r} has {len(shown)}"
        )
    twice = next((one for one in shown if shown.count(one) > 1), None)
    if twice is not None:
        raise PlaygroundError(f"{name} is {twice} in two columns; take fewer, or further apart")
    return Sweep(name, tuple(_value(name, one) for one in shown), tuple(shown))


def _value(name: str, word: str) -> Any:  # noqa: ANN401
    if word == "none":
        return None
    try:
        return parse_scalar(word)
    except YamlError as error:
        raise PlaygroundError(f"{name}={word}: {error}") from None


def _range(name: str, text: str, most: int) -> list[str]:
    """Return ``count`` values from the first to the last, at equal distances."""
    parts = [one.strip() for one in text.split(":")]
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or not abs(first) + abs(last) < float("inf"):
            raise ValueError  # noqa: TRY301
    except (ValueError, IndexError):
        raise PlaygroundError(f"a sweep is {_FORM}; {text!r} is no range") from None
    if not FEWEST_COLUMNS <= count <= most:
        raise PlaygroundError(
            f"a sweep has {FEWEST_COLUMNS} to {most} values, and {text!r} has {count}"
        )
    values = [first + (last - first) * at / (count - 1) for at in range(count)]
    if FACTS[name].kind == "whole":
        return [str(round(one)) for one in values]
    return [f"{one:.6g}" for one in values]
