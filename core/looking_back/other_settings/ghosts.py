"""Ghosts: what every other preset would pick at a step, from the same logits and the same dice.

Must never run a model. Presets that search with beams have no ghost: they weigh texts, not steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.looking_back.other_settings.sweep import Sweeper
from core.presets.book import Preset
from core.records.errors import PlaygroundError


@dataclass(frozen=True, slots=True)
class Ghost:
    """What one preset would have picked at one step; ``pick`` is ``None`` where it leaves nothing.

    ``cut_by`` is the setting with which it would have removed the recorded token, if it would.
    """

    preset_name: str
    pick: int | None
    cut_by: str | None


@dataclass(frozen=True, slots=True)
class Ghosts:
    """The ghosts of a run: one tuple a step, empty where its logits are no longer kept.

    Within a step they are in the order of the presets.
    """

    token_ids: tuple[int, ...]
    steps: tuple[tuple[Ghost, ...], ...]

    def at(self, index: int) -> Mapping[int, tuple[str, ...]]:
        """Return, for step ``index``, the presets that would have picked each token."""
        picked: dict[int, tuple[str, ...]] = {}
        for ghost in self.steps[index]:
            if ghost.pick is not None:
                picked[ghost.pick] = (*picked.get(ghost.pick, ()), ghost.preset_name)
        return picked

    def next_disagreement(self, after: int, first: str = "", second: str = "") -> int | None:
        """Return the next step at which two presets pick different tokens, ``None`` without one.

        Args:
            after: The step to begin behind; -1 for the beginning.
            first: One preset; empty for any.
            second: The other; empty for any but ``first``.
        """
        for index in range(after + 1, len(self.steps)):
            picks = {one.preset_name: one.pick for one in self.steps[index]}
            if not first and not second:
                disagree = len(set(picks.values())) > 1
            else:
                one = picks.pop(first or second, None)
                rest = {picks.get(second)} if first and second else set(picks.values())
                disagree = bool(rest - {one})
            if disagree:
                return index
        return None


def find_ghosts(sweeper: Sweeper, presets: Sequence[Preset]) -> Ghosts:
    """Return the ghosts of all ``presets`` that pick token by token, over the sweeper's run.

    What cannot be told of this run has none, such as what needs guidance that the run had not.
    """
    named, swept = [], []
    for preset in presets:
        try:
            swept.append(sweeper.sweep(preset.settings))
        except PlaygroundError:
            continue
        named.append(preset)
    steps = tuple(
        tuple(
            Ghost(preset.name, step.pick, step.cut_by)
            for preset, of_preset in zip(named, swept, strict=True)
            if (step := of_preset[index]) is not None
        )
        for index in range(len(sweeper.run.steps))
    )
    return Ghosts(sweeper.run.token_ids, steps)
