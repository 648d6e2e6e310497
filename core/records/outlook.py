"""The records of an outlook: every text that settings could write from a place on.

Must never hold a tensor. Probabilities are natural logarithms where they are called so, else from 0
to 1; they are final ones, which is what the settings leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from core.records.errors import PlaygroundError

EndOfProspect = Literal["end_of_text", "stop_string", "length", "context_full", "depth"]
"""Why nothing follows a text: ``depth`` is how far one looks, the others are ends of a run."""

MOST_DEPTH = 1_000
LEAST_SHARE = 1e-6
MOST_PROSPECTS = 20_000
"""So many texts are told of; the search stops once it knows as many."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an outlook goes: to texts of ``depth`` tokens that are as likely as ``least``.

    It stops once it knows ``most`` of them.

    Raises:
        PlaygroundError: A number is out of range.
    """

    depth: int = 6
    least: float = 0.01
    most: int = MOST_PROSPECTS

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= MOST_DEPTH:
            raise PlaygroundError(f"depth must be from 1 to {MOST_DEPTH:,}, not {self.depth}")
        if not LEAST_SHARE <= self.least <= 1.0:
            raise PlaygroundError(f"least must be from {LEAST_SHARE:g} to 1, not {self.least:g}")


@dataclass(frozen=True, slots=True)
class Prospect:
    r"""One text that could be written: that of ``parent``, and one token more.

    ``index`` begins at 1, in the order in which they became known; ``parent`` is another's, or 0
    for the place that one looks from. ``depth`` counts the tokens. ``logprob`` is the token's own
    final log-probability, ``path_logprob`` that of the whole text.

    ``token_text`` is the token by itself: bytes that are no whole characters stand as ``\xe4``.
    ``text`` is what it adds to the text: nothing, where it is special or within a character.
    ``end`` is why nothing follows, ``None`` where something does.
    """

    index: int
    parent: int
    depth: int
    token_id: int
    token_text: str
    text: str
    logprob: float
    path_logprob: float
    end: EndOfProspect | None = None
    is_special: bool = False

    @property
    def probability(self) -> float:
        """That the token follows its parent, 0 to 1."""
        return math.exp(self.logprob)

    @property
    def path_probability(self) -> float:
        """That the whole text is written, 0 to 1."""
        return math.exp(self.path_logprob)


@dataclass(frozen=True, slots=True)
class Growth:
    """What was found behind one text: ``prospects``, the likeliest first, and what is left out.

    ``parent`` is the index of that text, 0 for the place that one looks from. ``left_out`` is how
    likely the texts are together, 0 to 1, that begin with it and are less likely than the least;
    ``left_out_tokens`` is with how many tokens they go on.
    """

    parent: int
    prospects: tuple[Prospect, ...]
    left_out: float
    left_out_tokens: int
