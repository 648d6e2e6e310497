"""The facts of one setting: what its values may be, what it means, and where that comes from.

Must never decide what a setting does: its processor does, and what is written here is held to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "whole", "number", "truth", "choice", "texts", "tokens", "words", "word", "biases", "decay"
]
"""``whole`` and ``number`` have a range; a ``truth`` is true or false, a ``choice`` that or a word,
``texts`` are a text or several. ``tokens`` are ids or texts of one token each, a ``word`` is a text
or the ids of its tokens, ``biases`` are words with a number each, a ``decay`` is a pair of numbers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFacts:
    """One setting.

    ``values`` is its range in words that go on from "must be"; ``least`` and ``most`` are its ends,
    of which a number may be ``above`` or ``below`` alone. ``meaning`` is a phrase for beside a
    dial, ``does`` a sentence or two. ``formula`` has a line or several: p is what a token's chance
    was before, p′ what it becomes, z its logit. ``source`` is a paper, or a class of transformers.
    """

    name: str
    kind: Kind
    values: str
    meaning: str
    does: str
    formula: str
    source: str
    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False

    def holds(self, number: float) -> bool:
        """Whether a number is within the range."""
        is_above = number > self.least or (number == self.least and not self.above)
        is_below = number < self.most or (number == self.most and not self.below)
        return is_above and is_below
