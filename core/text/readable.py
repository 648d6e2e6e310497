"""Numbers as people read them: one function for each kind, so that a figure is the same everywhere.

Steps are counted from 1 within the run that took them, tokens of a text from 1 at its beginning, by
the app, the tree and the command line; what programs read (``index``) begins at 0. Must never be
used for what programs read.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from itertools import pairwise

TINT_LIMITS: tuple[float, ...] = (1.0, 2.0, 4.0, 7.0)
"""The surprisals, in bits, at which a token's tint becomes one shade stronger."""


def percent(probability: float, places: int = 1) -> str:
    """Return a probability, 0 to 1, in percent: 0 is what cannot be, 100 what must."""
    value = probability * 100
    least = 10.0**-places
    if value >= 100 - least / 2:
        return "100%" if probability >= 1.0 - 1e-9 else f">{100 - least:.{places}f}%"
    if value <= 0:
        return "0%"
    return f"<{least:.{places}f}%" if value < least / 2 else f"{value:.{places}f}%"


def share_of_rest(probability: float, places: int = 1) -> str:
    """Return the share of tokens that are there: a sum of rounded shares may leave them nothing."""
    return percent(max(probability, 1e-9), places)


def decimal(value: float, places: int = 2) -> str:
    """Return a number with ``places`` decimals, without a sign where all that is shown is 0."""
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not any(digit in text for digit in "123456789") else text


def bits(value: float) -> str:
    """Return a surprisal or an entropy, in bits; one that rounding has put below 0 is 0."""
    return decimal(max(0.0, value))


def tint_level(surprisal: float) -> int:
    """Return how strongly a token is tinted that carried ``surprisal`` bits, 0 for not at all."""
    return bisect_right(TINT_LIMITS, surprisal)


def tint_ranges() -> list[str]:
    """Return what each tint stands for, in bits and the unsurprising first, such as ``1–2``."""
    limits = [f"{limit:g}" for limit in TINT_LIMITS]
    between = [f"{low}–{high}" for low, high in pairwise(limits)]
    return [f"<{limits[0]}", *between, f"{limits[-1]}+"]


def number(index: int) -> str:
    """Return the number of a step or token whose index from 0 is given."""
    return f"{index + 1:,}"


def token_count(count: int) -> str:
    """Return a count of tokens in words."""
    return "1 token" if count == 1 else f"{count:,} tokens"


def length(tokens: int, steps: int) -> str:
    """Return how long a run's text is, with its steps where a search took others than it has."""
    told = token_count(tokens)
    return told if steps == tokens else f"{told} in {steps:,} step{'' if steps == 1 else 's'}"


def moment(seconds: float) -> str:
    """Return a time since 1970 as the clock on the wall had it, to the minute."""
    try:
        return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):  # no calendar has it
        return "unknown"
