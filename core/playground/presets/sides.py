"""What the picked preset can be laid beside: itself as it was, the others, the model's advice.

Must never pick or turn anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.playground.presets.next_run import NextRun
from core.playground.presets.turning import Turning
from core.presets.book import CHANGED, Preset
from core.records.settings import Settings, SettingsError

RECOMMENDED = "as the model recommends"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what it is called, and its settings; ``preset`` where it is one that stands.

    Only the picked preset, as it is turned, and the model's recommendation are none.
    """

    name: str
    settings: Settings
    preset: Preset | None = None


def picked_side(next_run: NextRun) -> Side:
    """Return the picked preset as it is turned."""
    preset = next_run.preset
    return Side(preset.name + CHANGED * next_run.is_changed(preset), next_run.turned)


def other_sides(next_run: NextRun, turning: Turning) -> tuple[Side, ...]:
    """Return what can stand beside it: its own settings where they are turned, then the others.

    A recommendation that contradicts itself is left out.
    """
    picked = next_run.preset
    presets = [one for one in next_run.book.presets if one is not picked]
    if next_run.is_changed(picked):
        presets.insert(0, picked)
    sides = [Side(one.name, next_run.with_seed(one.settings), one) for one in presets]
    try:
        recommended = turning.recommended
    except SettingsError:
        recommended = None
    if recommended is not None:
        sides.append(Side(RECOMMENDED, recommended))
    return tuple(sides)
