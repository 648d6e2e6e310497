"""What several seeds of one preset came to: how they begin, how long they are, how many differ.

Must never weigh one column more than another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.looking_back.comparison.column import Column


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """What columns under several seeds wrote.

    ``first_tokens`` are the texts of the first tokens with how many columns began so, the most
    frequent first; ``lengths`` are in tokens, in the order of the columns; ``different`` counts the
    texts that no column before has.
    """

    first_tokens: tuple[tuple[str, int], ...]
    lengths: tuple[int, ...]
    different: int


def spread_of(columns: Sequence[Column]) -> SeedSpread:
    """Return what ``columns`` wrote, as far as they have come."""
    begun = [column.chosen()[0].token.text for column in columns if column.chosen()]
    written = [column.token_ids for column in columns]
    return SeedSpread(
        tuple(Counter(begun).most_common()),
        tuple(len(one) for one in written),
        len(set(written)),
    )
