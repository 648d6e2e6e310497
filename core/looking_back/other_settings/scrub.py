"""Scrubbing: what other settings would have made of a finished run, step by step.

Must never run a model: the logits are those of the recorded text. So the first step at which
another token would have been picked is certain, and every step after it is hypothetical.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.looking_back.other_settings.sweep import Sweeper, SweptStep
from core.records.settings import Settings


@dataclass(frozen=True, slots=True)
class ScrubbedStep:
    """One step under other settings.

    ``token_id`` was recorded; ``pick`` would have been picked from the same logits with the same
    dice, ``None`` where no token would be left. ``cut_by`` is the setting that would have removed
    the recorded token. ``is_hypothetical`` is whether the text would have been another by then.
    What a person chose stays under any settings.
    """

    index: int
    token_id: int
    pick: int | None
    cut_by: str | None
    is_hypothetical: bool

    @property
    def differs(self) -> bool:
        """Whether another token would have been picked."""
        return self.pick != self.token_id


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A whole run under other settings.

    ``steps`` has an entry for each step, ``None`` where its logits are no longer kept.
    ``first_divergence`` is the first step whose pick differs, ``None`` where no known one does.
    """

    settings: Settings
    steps: tuple[ScrubbedStep | None, ...]
    first_divergence: int | None

    @property
    def differing(self) -> int:
        """At how many steps another token would have been picked."""
        return sum(step is not None and step.differs for step in self.steps)

    @property
    def cut(self) -> int:
        """At how many steps the recorded token would have been removed."""
        return sum(step is not None and step.cut_by is not None for step in self.steps)


def scrub(sweeper: Sweeper, settings: Settings) -> Scrubbed:
    """Return what ``settings`` would have made of the sweeper's run.

    Raises:
        PlaygroundError: The settings search with beams.
    """
    token_ids = sweeper.run.token_ids
    swept = [
        SweptStep(token_id, None) if step is not None and at in sweeper.run.forced else step
        for at, (step, token_id) in enumerate(zip(sweeper.sweep(settings), token_ids, strict=True))
    ]
    divergence = next(
        (
            at
            for at, (step, token_id) in enumerate(zip(swept, token_ids, strict=True))
            if step is not None and step.pick != token_id
        ),
        None,
    )
    steps = tuple(
        None
        if step is None
        else ScrubbedStep(
            at,
            token_ids[at],
            step.pick,
            step.cut_by,
            is_hypothetical=divergence is not None and at > divergence,
        )
        for at, step in enumerate(swept)
    )
    return Scrubbed(settings, steps, divergence)
