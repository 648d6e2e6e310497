"""Several runs on one prompt, side by side: what each column is asked for, and what comes of it.

Must never compute a figure or a difference, and imports the standard library alone: that is for
``core.looking_back.comparison``.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.records.request import Request
from core.records.steps import Event

FEWEST_COLUMNS, MOST_COLUMNS = 2, 6


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What one column is: its name, what it is asked for, and the model, empty for the one at hand.

    The settings of ``request`` have a seed.
    """

    name: str
    request: Request
    model: str = ""


@dataclass(frozen=True, slots=True)
class InTurn:
    """A column that shares no pass with others, but runs after them; ``reason`` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class ColumnEvent:
    """What happened in one of the columns, which count from 0.

    Each column has the events of a run by itself, the last of them ``Finished``: where it fails,
    that says so, ``Started`` or not. ``InTurn`` comes before them.
    """

    column: int
    event: Event | InTurn
