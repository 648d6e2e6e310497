"""Every step of a run at one temperature: how much probability lies before each token that counts.

Must never look at text or settings that are not thresholds; ``core.sweep`` does. All sums are in
float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from core.settings import Settings
from core.sweep_index import SweepIndex, places, running_sums


@dataclass(frozen=True, slots=True)
class SweepField:
    """All tokens of all steps at one temperature, summed up from each rival's point of view.

    Rivals and moved tokens stand side by side, shape (steps, n): ``greater`` counts the likelier
    tokens, ``before`` sums their probability and that of equal ones that come first. Probability
    is relative to the likeliest token's, ``top``, shape (steps,).
    """

    index: SweepIndex
    ids: torch.Tensor
    values: torch.Tensor
    leads: torch.Tensor
    inverse_temperature: float
    top: torch.Tensor
    greater: torch.Tensor
    before: torch.Tensor
    head_mass: torch.Tensor
    grid_mass: torch.Tensor
    moved_falling: torch.Tensor
    moved_mass: torch.Tensor

    @classmethod
    def of(cls, index: SweepIndex, moved: torch.Tensor, inverse_temperature: float) -> SweepField:
        """Sum up ``index`` with the moved tokens at the values ``moved``."""
        values = torch.cat((index.rivals.values, moved), dim=1)
        top = values.max(dim=1, keepdim=True).values

        def mass(of: torch.Tensor) -> torch.Tensor:
            return ((of - top) * inverse_temperature).exp()

        head_mass = mass(index.heads)
        grid_mass = _grid_mass(index, top, inverse_temperature)
        falling, order = torch.sort(moved, dim=1, descending=True, stable=True)
        moved_mass = mass(falling)
        head_place, grid_place = index.head_place, index.grid_place
        moved_place = places(falling, values)
        ties = index.ties
        if moved.shape[1]:
            head_place = torch.cat((head_place, places(index.heads, moved)), dim=1)
            grid_place = torch.cat((grid_place, places(index.grid, moved)), dim=1)
            own_place = torch.argsort(order, dim=1)
            equal = own_place - moved_place[:, ties.shape[1] :]
            ties = torch.cat((ties, equal), dim=1)
        return cls(
            index=index,
            ids=torch.cat((index.rivals.ids, index.moved.ids), dim=1),
            values=values,
            leads=torch.cat((index.rivals.leads, index.moved.leads), dim=1),
            inverse_temperature=inverse_temperature,
            top=top[:, 0],
            greater=head_place + index.counts_before.gather(1, grid_place) + moved_place,
            before=running_sums(head_mass).gather(1, head_place)
            + running_sums(grid_mass).gather(1, grid_place)
            + running_sums(moved_mass).gather(1, moved_place)
            + ties * mass(values),
            head_mass=head_mass,
            grid_mass=grid_mass,
            moved_falling=falling,
            moved_mass=moved_mass,
        )

    def warped(self, settings: Settings) -> list[tuple[str, torch.Tensor]]:
        """Return what each setting of sampling keeps, shape (steps, n), in their order."""
        kept: list[tuple[str, torch.Tensor]] = []
        if settings.top_k != 0:
            kept.append(("top_k", self.greater < settings.top_k))
        if settings.top_p < 1.0:
            total = self._mass(settings.top_k)[:, None]
            # The token that crosses top_p stays, and so does the likeliest whatever top_p is.
            kept.append(("top_p", (self.before < settings.top_p * total) | (self.before == 0)))
        if settings.min_p:
            least = self.top + math.log(settings.min_p) / self.inverse_temperature
            kept.append(("min_p", self.values >= least[:, None]))
        return kept

    def raced(self, is_left: torch.Tensor) -> torch.Tensor:
        """Return the tokens that win the race of those left, shape (steps,), -1 without any."""
        arrival = self.values * self.inverse_temperature + self.leads
        winner = arrival.masked_fill(~is_left, -math.inf).argmax(dim=1, keepdim=True)
        return torch.where(is_left.any(dim=1), self.ids.gather(1, winner)[:, 0], -1)

    def likeliest(self) -> torch.Tensor:
        """Return the likeliest tokens, of equals the lowest id; shape (steps,), -1 without any."""
        is_best = (self.values == self.top[:, None]) & (self.ids >= 0)
        lowest = self.ids.masked_fill(~is_best, torch.iinfo(torch.long).max).min(dim=1).values
        return torch.where(self.top > -math.inf, lowest, -1)

    def _mass(self, top_k: int) -> torch.Tensor:
        """Return the probability that ``top_k`` leaves, of all for 0; shape (steps,)."""
        if top_k == 0:
            return torch.cat((self.head_mass, self.grid_mass, self.moved_mass), dim=1).sum(dim=1)
        heads, moved = self.index.heads, self.moved_falling
        counts = self.index.counts_before
        above_heads = places(heads, heads) + places(moved, heads)
        above_moved = places(heads, moved) + places(moved, moved)
        above_moved = above_moved + counts.gather(1, places(self.index.grid, moved))
        mass = (self.head_mass * (above_heads < top_k)).sum(dim=1)
        mass = mass + (self.moved_mass * (above_moved < top_k)).sum(dim=1)
        head_counts = (heads > -torch.inf).sum(dim=1, keepdim=True)
        if top_k > int(head_counts.min()):
            above_grid = head_counts + counts[:, :-1]
            if moved.shape[1]:
                above_grid = above_grid + places(moved, self.index.grid.repeat(len(heads), 1))
            mass = mass + (self.grid_mass * (above_grid < top_k)).sum(dim=1)
        return mass


_FAR = 300.0
"""In nats: so far from the likeliest, float64 still has room, and nothing counts any more."""


def _grid_mass(index: SweepIndex, top: torch.Tensor, inverse_temperature: float) -> torch.Tensor:
    """Return the probability at each value of the grid, shape (steps, grid).

    Relative to the likeliest tokens, whose values are ``top``, shape (steps, 1).
    """
    shift = -top * inverse_temperature
    if bool((shift.abs() < _FAR).all()):
        return shift.exp() * (index.grid * inverse_temperature).exp() * index.counts
    return ((index.grid - top) * inverse_temperature).exp() * index.counts
