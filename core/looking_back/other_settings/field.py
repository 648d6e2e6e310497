"""Every step of a run at one temperature: which rivals surely stay, and which perhaps.

Must never look at text or settings that are not thresholds; ``sweep`` does.
Of the tail, an index knows how many tokens are near a value, and torch rounds to float32 what is
summed here in float64: so all counts and masses come as ``Bounds``, between which the truth lies
whatever is rounded how. What a bound leaves open is told, and never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch

from core.looking_back.other_settings.index import SweepIndex, nearest_half, running_sums
from core.records.settings import Settings

_HALF = 2.0**-11
"""How far a value is from its nearest float16 at most, as a share of that."""
_LEAST_HALF = 1e-6
"""The same for values near 0, where float16 are evenly spaced."""

_SINGLE = 2.0**-22
"""How far float32 rounds scores apart or together at most, as a share of them."""

_SUMS = 1e-5
"""How far float32 sums of probabilities are off at most.

``core.decoding.weighing.quick_warpers`` takes as much.
"""


class Bounds(NamedTuple):
    """Two tensors of one shape, ``least`` nowhere above ``most``."""

    least: torch.Tensor
    most: torch.Tensor


@dataclass(frozen=True, slots=True)
class SweepField:
    """All tokens of all steps at one temperature, summed up from each rival's point of view.

    Rivals and moved tokens stand side by side, shape (steps, n): ``likelier`` counts the tokens
    that stand before each, ``before`` sums their probability, which is relative to the likeliest
    token's. ``top`` is that token's value, shape (steps,). ``slack``, shape (steps, 1), is by how
    much two probabilities may be rounded apart, as a share of them.
    """

    index: SweepIndex
    ids: torch.Tensor
    values: torch.Tensor
    leads: torch.Tensor
    inverse_temperature: float
    top: torch.Tensor
    slack: torch.Tensor
    likelier: Bounds
    before: Bounds
    masses: _Masses

    @classmethod
    def of(cls, index: SweepIndex, moved: torch.Tensor, inverse_temperature: float) -> SweepField:
        """Sum up ``index`` with the moved tokens at the values ``moved``."""
        values = torch.cat((index.rivals.values, moved), dim=1)
        top = values.max(dim=1, keepdim=True).values
        masses = _Masses.of(index, moved, top.clamp(min=-_FAR_BELOW), inverse_temperature)
        likelier, before = masses.before(index, values)
        own = masses.mass(values)
        return cls(
            index=index,
            ids=torch.cat((index.rivals.ids, index.moved.ids), dim=1),
            values=values,
            leads=torch.cat((index.rivals.leads, index.moved.leads), dim=1),
            inverse_temperature=inverse_temperature,
            top=top[:, 0],
            slack=_SUMS + _SINGLE * (index.maxima.abs()[:, None] + 32) * inverse_temperature,
            likelier=Bounds(likelier.least, likelier.most - 1),  # most counts the token itself
            before=Bounds(before.least, before.most - own),
            masses=masses,
        )

    def warped(self, settings: Settings) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Return what each setting of sampling surely keeps, and what perhaps, in their order.

        Each has shape (steps, n).
        """
        kept: list[tuple[str, torch.Tensor, torch.Tensor]] = []
        if settings.top_k != 0:
            surely, perhaps = (one < settings.top_k for one in reversed(self.likelier))
            kept.append(("top_k", surely, perhaps))
        # The likeliest token stays whatever the others say, and so does the one that crosses top_p.
        is_first, may_be_first = (one <= 0 for one in reversed(self.likelier))
        if settings.top_p < 1.0:
            total = self.masses.total(self.index, settings.top_k)
            surely = self.before.most < (settings.top_p - self.slack) * total.least
            perhaps = self.before.least < (settings.top_p + self.slack) * total.most
            kept.append(("top_p", surely | is_first, perhaps | may_be_first))
        if settings.min_p:
            above = (self.values - self.top[:, None]) * self.inverse_temperature
            above = above - math.log(settings.min_p)
            kept.append(("min_p", (above >= self.slack) | is_first, above >= -self.slack))
        return kept

    def raced(self, is_left: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the columns that win the race of those left, and whether it was close.

        Both have shape (steps,). Without any left, the column means nothing.
        """
        arrival = self.values * self.inverse_temperature + self.leads
        arrival = arrival.masked_fill(~is_left, -math.inf)
        best, winner = arrival.max(dim=1, keepdim=True)
        is_other = self.ids != self.ids.gather(1, winner)
        second = arrival.masked_fill(~is_other, -math.inf).max(dim=1, keepdim=True).values
        return winner[:, 0], (best - second <= self.slack)[:, 0]

    def likeliest(self) -> torch.Tensor:
        """Return the likeliest tokens, of equals the lowest id; shape (steps,), -1 without any."""
        is_best = (self.values == self.top[:, None]) & (self.ids >= 0)
        lowest = self.ids.masked_fill(~is_best, torch.iinfo(torch.long).max).min(dim=1).values
        return torch.where(self.top > -math.inf, lowest, -1)


@dataclass(frozen=True, slots=True)
class _Masses:
    """The probability of heads, tail and moved tokens, relative to ``top``, shape (steps, 1).

    ``moved`` are the moved values, falling. Masses have the shape of their tokens.
    """

    top: torch.Tensor
    inverse_temperature: float
    moved: torch.Tensor
    head_mass: torch.Tensor
    moved_mass: torch.Tensor
    tail_mass: Bounds

    @classmethod
    def of(
        cls, index: SweepIndex, moved: torch.Tensor, top: torch.Tensor, inverse_temperature: float
    ) -> _Masses:
        falling = moved.sort(dim=1, descending=True).values

        def mass(values: torch.Tensor) -> torch.Tensor:
            return ((values - top) * inverse_temperature).exp()

        ends = _grid_ends(index)
        tail = Bounds(*(_tail_mass(index, end, top, inverse_temperature) for end in ends))
        return cls(top, inverse_temperature, falling, mass(index.heads), mass(falling), tail)

    def mass(self, values: torch.Tensor) -> torch.Tensor:
        """Return the probability of tokens of these values, shape (steps, n)."""
        return ((values - self.top) * self.inverse_temperature).exp()

    def before(self, index: SweepIndex, values: torch.Tensor) -> tuple[Bounds, Bounds]:
        """Return how many tokens stand before each of ``values``, and their probability.

        At least those that are surely greater, at most all that are not surely less: the token
        itself, where it is one of these, is among them.
        """
        rounded = _rounded(index.maxima.abs()[:, None], values)
        counts, sums = [], []
        for bound, mass, is_most in zip(
            (values + rounded, values - rounded), self.tail_mass, (False, True), strict=True
        ):
            heads = _places(index.heads, bound, or_equal=is_most)
            moved = _places(self.moved, bound, or_equal=is_most)
            tail = _places(index.grid, nearest_half(bound), or_equal=is_most)
            counts.append(heads + moved + index.counts_before.gather(1, tail))
            sums.append(
                running_sums(self.head_mass).gather(1, heads)
                + running_sums(self.moved_mass).gather(1, moved)
                + running_sums(mass).gather(1, tail)
            )
        return Bounds(*counts), Bounds(*sums)

    def total(self, index: SweepIndex, top_k: int) -> Bounds:
        """Return the probability that ``top_k`` leaves, of all for 0; shape (steps, 1)."""
        known = torch.cat((self.head_mass, self.moved_mass), dim=1)
        if top_k == 0:
            return Bounds(*((known.sum(1) + one.sum(1))[:, None] for one in self.tail_mass))
        (least, most), _ = self.before(index, torch.cat((index.heads, self.moved), dim=1))
        tail_least, tail_most = self._before_tail(index)
        # What surely stays has few before it at most, what perhaps stays has few at least.
        surely = (known * (most - 1 < top_k)).sum(1)
        surely = surely + (self.tail_mass.least * (tail_most - 1 < top_k)).sum(1)
        perhaps = (known * (least < top_k)).sum(1)
        perhaps = perhaps + (self.tail_mass.most * (tail_least < top_k)).sum(1)
        return Bounds(surely[:, None], perhaps[:, None])

    def _before_tail(self, index: SweepIndex) -> Bounds:
        """Return how many tokens stand before any of each value of the grid, shape (steps, grid).

        At most, the token itself is among them.
        """
        low, high = _grid_ends(index)
        rounded = _rounded(index.maxima.abs().max(), index.grid)
        low, high = low - rounded, high + rounded
        above = _places(index.grid, nearest_half(high), or_equal=False)
        not_below = _places(index.grid, nearest_half(low), or_equal=True)
        head_count = (index.heads > -math.inf).sum(dim=1, keepdim=True)
        least = index.counts_before[:, above]
        most = head_count + index.counts_before[:, not_below]
        if index.heads.shape[1]:
            # Of the values that occur in a step, only those nearest to its last head are as great
            # as any head, or are after rounding.
            last = index.heads.gather(1, (head_count - 1).clamp(min=0))
            clear = last + last.abs() * 4 * _HALF + 4 * _LEAST_HALF
            clear = clear + 4 * _rounded(index.maxima.abs().max(), last)
            few = _places(index.heads, clear, or_equal=False)
            least = least + torch.where(high < last, head_count, few)
        if self.moved.shape[1]:
            rows = len(index.heads), 1
            least = least + _places(self.moved, high.repeat(rows), or_equal=False)
            most = most + _places(self.moved, low.repeat(rows), or_equal=True)
        return Bounds(least, most)


def _places(falling: torch.Tensor, values: torch.Tensor, *, or_equal: bool) -> torch.Tensor:
    """Return how many of ``falling`` exceed each of ``values``, or equal it; shaped as these.

    ``falling`` has shape (steps, n), or (n,) where it is the same for all steps.
    """
    if falling.shape[-1] == 0:
        return torch.zeros_like(values, dtype=torch.long)
    return torch.searchsorted(-falling, -values, right=or_equal)


def _grid_ends(index: SweepIndex) -> Bounds:
    """Return the least and the greatest value that each of the grid may stand for."""
    finite = index.grid.clamp(min=torch.finfo(torch.float16).min)
    reach = finite.abs() * _HALF + _LEAST_HALF
    return Bounds(index.grid - reach, finite + reach)


def _rounded(greatest: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return by how much scores of these values may be rounded apart or together.

    ``greatest`` is the magnitude of the greatest logit.
    """
    return _SINGLE * (greatest + values.abs().clamp(max=_FAR_BELOW))


_FAR_BELOW = 1e30


_FAR = 300.0
"""In nats: so far from the likeliest, float64 still has room, and nothing counts any more."""


def _tail_mass(
    index: SweepIndex, values: torch.Tensor, top: torch.Tensor, inverse_temperature: float
) -> torch.Tensor:
    """Return the tail's probability, as if each of the grid were one of ``values``, shape (grid,).

    It is relative to the likeliest tokens, whose values are ``top``, shape (steps, 1).
    """
    shift = -top * inverse_temperature
    if bool((shift.abs() < _FAR).all()):
        return shift.exp() * (values * inverse_temperature).exp() * index.counts
    return ((values - top) * inverse_temperature).exp() * index.counts
