"""An outlook as far as it is known: its texts, and how much of all probability they are.

Must never import torch: whoever draws an outlook gathers it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from core.records.outlook import Growth, Prospect


class Outlook:
    """Takes one ``Growth`` after the other.

    ``covered + open + left_out`` is 1, but for rounding.
    """

    def __init__(self) -> None:
        self.prospects: list[Prospect] = []
        """All that are known, by their index less 1."""
        self._growths: dict[int, Growth] = {}
        self._covered: list[float] = []
        self._left_out: list[float] = []
        self._open = {0: 1.0}

    def add(self, growth: Growth) -> None:
        """Take what was found behind one text."""
        self.prospects.extend(growth.prospects)
        self._growths[growth.parent] = growth
        del self._open[growth.parent]
        for one in growth.prospects:
            if one.end is None:
                self._open[one.index] = one.path_probability
            else:
                self._covered.append(one.path_probability)
        self._left_out.append(growth.left_out)

    @property
    def covered(self) -> float:
        """How likely the texts that have ended are together, 0 to 1."""
        return math.fsum(self._covered)

    @property
    def left_out(self) -> float:
        """How likely the texts are together that are each less likely than the least, 0 to 1."""
        return math.fsum(self._left_out)

    @property
    def open(self) -> float:
        """How likely the texts are together behind which nobody has looked yet, 0 to 1."""
        return math.fsum(self._open.values())

    @property
    def ends(self) -> int:
        """How many texts have ended."""
        return len(self._covered)

    def covered_to(self) -> list[float]:
        """Return how likely the texts of each length are together, 0 to 1, from one token on.

        With those that ended before. What is known of each text goes as far as the longest.
        """
        deepest = max((one.depth for one in self.prospects), default=0)
        shares: list[list[float]] = [[] for _ in range(deepest)]
        for one in self.prospects:
            is_whole = one.end is not None
            for found in shares[one.depth - 1 : None if is_whole else one.depth]:
                found.append(one.path_probability)
        return [math.fsum(found) for found in shares]

    def is_open(self, prospect: Prospect) -> bool:
        """Whether nobody has looked yet what follows ``prospect``."""
        return prospect.index in self._open

    def behind(self, index: int) -> tuple[Prospect, ...]:
        """Return what follows a text, the likeliest first; 0 is the place that one looks from."""
        growth = self._growths.get(index)
        return growth.prospects if growth is not None else ()

    def left_out_behind(self, index: int) -> tuple[float, int]:
        """Return how likely what is left out behind a text is, and of how many tokens it is."""
        growth = self._growths.get(index)
        return (growth.left_out, growth.left_out_tokens) if growth is not None else (0.0, 0)

    def way_to(self, index: int) -> list[Prospect]:
        """Return the prospects from the first token to ``index``; none for 0."""
        way: list[Prospect] = []
        while index:
            way.append(self.prospects[index - 1])
            index = way[-1].parent
        return way[::-1]

    def text_of(self, index: int) -> str:
        """Return the whole text of a prospect, from the place that one looks from."""
        return "".join(one.text for one in self.way_to(index))

    def in_order(self) -> Iterator[Prospect]:
        """Yield all, each before what follows it, and of those that follow the likeliest first."""
        waiting = list(reversed(self.behind(0)))
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(reversed(self.behind(one.index)))
