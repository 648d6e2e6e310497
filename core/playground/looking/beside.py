"""How a person looks at columns: which one, at which step, and from one parting to the next.

Must never change a column, and knows no widget.
"""

from __future__ import annotations

from core.looking_back.comparison.causes import Divergence, divergence_of, in_common
from core.looking_back.comparison.column import Column, Comparison


class Beside:
    """A cursor in each column, which move ``together`` or one by one; ``focused`` has the keys.

    A cursor is the index of a token of the column's text, ``None`` while its end is followed.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.focused = 0
        self.is_together = True
        self._cursors: list[int | None] = [None] * len(comparison.columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the baseline first."""
        return self.comparison.columns

    def cursor(self, column: int) -> int | None:
        """Return where one looks in a column; ``None`` where the end is followed."""
        at, length = self._cursors[column], len(self.columns[column].token_ids)
        return None if at is None or not length else min(at, length - 1)

    def focus(self, column: int) -> None:
        """Give the keys to a column; behind the last comes the first."""
        self.focused = column % len(self.columns)

    def move(self, offset: int) -> None:
        """Look some tokens later, or earlier where negative; behind the end, follow it."""
        column = self.columns[self.focused]
        length = len(column.token_ids)
        at = self.cursor(self.focused)
        self.look_at((length - 1 if at is None else at) + offset)

    def look_at(self, index: int) -> None:
        """Look at the token of that index, in the column that has the keys or in all."""
        length = len(self.columns[self.focused].token_ids)
        follows = index >= length - 1 and self.columns[self.focused].finished is None
        at = None if follows or not length else max(0, min(index, length - 1))
        for column in range(len(self.columns)):
            if self.is_together or column == self.focused:
                self._cursors[column] = at

    def toggle_together(self) -> None:
        """Have the cursors move together, from where the focused one is, or apart."""
        self.is_together = not self.is_together
        if self.is_together:
            self._cursors = [self._cursors[self.focused]] * len(self.columns)

    def same(self, column: int) -> int:
        """Return how many of a column's tokens the baseline has as well; 0 for the baseline."""
        return in_common(self.columns[column], self.comparison.baseline) if column else 0

    def divergence(self, column: int) -> Divergence | None:
        """Return where a column parts from the baseline."""
        if not column:
            return None
        return divergence_of(self.columns[column], self.comparison.baseline)

    def go_to_parting(self, forward: bool = True) -> bool:
        """Go to the next step at which a column parts from the baseline, or the one before.

        Behind the last comes the first; its column has the keys then. Returns whether there is one.
        """
        partings = sorted(
            (found.index, column)
            for column in range(1, len(self.columns))
            if (found := self.divergence(column)) is not None
        )
        if not partings:
            return False
        at = self.cursor(self.focused)
        here = (-1 if at is None else at, self.focused)
        if forward:
            place = next((one for one in partings if one > here), partings[0])
        else:
            place = next((one for one in reversed(partings) if one < here), partings[-1])
        index, self.focused = place
        self.look_at(min(index, max(0, len(self.columns[self.focused].token_ids) - 1)))
        if self.is_together:
            self._cursors = [index] * len(self.columns)
        return True
