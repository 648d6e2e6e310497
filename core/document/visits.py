"""Which documents were looked at, one after the other: the way back, and forth again.

Must never look at the tree: it is told where one is, and what is no longer there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Place(NamedTuple):
    """A run, and how many of the tokens that it has written are looked at."""

    node_id: int
    tokens: int = 0


class Visits:
    """Places in the order of their visits; ``current`` is where one is."""

    def __init__(self, start: Place) -> None:
        self.current = start
        self._before: list[Place] = []
        self._after: list[Place] = []

    def visit(self, place: Place) -> None:
        """Go to another place; where one came from by ``back`` cannot be reached any more."""
        if place != self.current:
            self._before.append(self.current)
            self._after.clear()
            self.current = place

    def back(self) -> bool:
        """Go where one was before; return whether there is such a place."""
        return self._go(self._before, self._after)

    def forth(self) -> bool:
        """Take ``back`` back; return whether there is something to take back."""
        return self._go(self._after, self._before)

    def forget(self, gone: Collection[int], instead: Place) -> None:
        """Leave out runs that are gone; who is at one of them is at ``instead`` now."""
        if self.current.node_id in gone:
            self.current = instead
        self._before = self._left(self._before, gone)
        self._after = self._left(self._after, gone)

    def _go(self, way: list[Place], way_back: list[Place]) -> bool:
        if not way:
            return False
        way_back.append(self.current)
        self.current = way.pop()
        return True

    def _left(self, places: list[Place], gone: Collection[int]) -> list[Place]:
        """Return what is left of ``places``, where each step leads to another one."""
        left: list[Place] = []
        nearer = self.current
        for place in reversed(places):
            if place.node_id not in gone and place != nearer:
                left.append(place)
                nearer = place
        return left[::-1]
