"""Which runs are to stand side by side: chosen by a person, before any of them begins.

Must never begin a run, nor ask a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from core.looking_back.comparison.plans import AskedWith, of_presets, of_seeds, of_sweep
from core.looking_back.comparison.sweeps import sweep_of
from core.presets.book import Preset
from core.records.comparison import FEWEST_COLUMNS, MOST_COLUMNS, ColumnPlan

Way = Literal["presets", "seeds", "sweep"]
WAYS: tuple[Way, ...] = get_args(Way)
"""Presets side by side, one under several seeds, or one with a setting over a range."""


class ChosenColumns:
    """What was chosen; the next comparison begins with it.

    ``picked`` are the names of presets in the order of their columns, ``preset`` the one that the
    other two ways vary. ``has_same_dice`` is whether all columns draw by the same dice.
    """

    def __init__(self, presets: Sequence[Preset], preset: Preset) -> None:
        self.presets = tuple(presets)
        """All that there are to choose from."""
        self.way: Way = "presets"
        self.picked = [preset.name] if preset in self.presets else []
        self.preset = preset.name
        self.seeds = 4
        self.sweep = "temperature=0.2:1.4:5"
        self.has_same_dice = True

    def next_way(self) -> None:
        """Choose another way to make columns."""
        self.way = WAYS[(WAYS.index(self.way) + 1) % len(WAYS)]

    def choose(self, preset: Preset) -> None:
        """Take ``preset`` as the next column, or out again; or as the one that is varied."""
        self.preset = preset.name
        if self.way != "presets":
            return
        if preset.name in self.picked:
            self.picked.remove(preset.name)
        elif len(self.picked) < MOST_COLUMNS:
            self.picked.append(preset.name)

    def more_seeds(self, offset: int) -> None:
        """Have more seeds, or fewer."""
        self.seeds = max(FEWEST_COLUMNS, min(MOST_COLUMNS, self.seeds + offset))

    def preset_of(self, column: int) -> Preset:
        """Return the preset that a column is of."""
        name = self.picked[column] if self.way == "presets" else self.preset
        return self._named(name)

    def plans(self, asked_with: AskedWith, seed: int | None = None) -> tuple[ColumnPlan, ...]:
        """Return a plan for each column, without their dice; ``seed`` is the first of several.

        Raises:
            PlaygroundError: There are too few or too many, or they cannot be had.
        """
        if self.way == "presets":
            return of_presets([self._named(name) for name in self.picked], asked_with)
        preset = self._named(self.preset)
        if self.way == "seeds":
            return of_seeds(preset, self.seeds, asked_with, seed)
        return of_sweep(preset, sweep_of(self.sweep), asked_with)

    def _named(self, name: str) -> Preset:
        return next(one for one in self.presets if one.name == name)
