"""Which documents were looked at, one after the other: the way back, and forth again.

Must never look at the tree: it is told where one is, and what is no longer there.
"""

from __future__ import annotations

from collections.abc import Collection


class Visits:
    """Places by number, in the order of their visits; ``current`` is where one is."""

    def __init__(self, start: int) -> None:
        self.current = start
        self._before: list[int] = []
        self._after: list[int] = []

    def visit(self, place: int) -> None:
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

    def forget(self, gone: Collection[int], instead: int) -> None:
        """Leave out places that are gone; who is at one of them is at ``instead`` now."""
        if self.current in gone:
            self.current = instead
        self._before = self._left(self._before, gone)
        self._after = self._left(self._after, gone)

    def _go(self, way: list[int], way_back: list[int]) -> bool:
        if not way:
            return False
        way_back.append(self.current)
        self.current = way.pop()
        return True

    def _left(self, places: list[int], gone: Collection[int]) -> list[int]:
        """Return what is left of ``places``, where each step leads to another one."""
        left: list[int] = []
        nearer = self.current
        for place in reversed(places):
            if place not in gone and place != nearer:
                left.append(place)
                nearer = place
        return left[::-1]
