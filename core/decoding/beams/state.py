"""What a beam search knows between two steps: its live beams, and the best sequences so far.

Must never choose or rank: ``search`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

BEHIND_ALL = -1.0e9
"""Added to a score to put a beam behind all others, as transformers does."""


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """One sequence of generated tokens with its summed log-probability; equal to itself alone.

    ``parent`` is the position of its parent among the live beams of the step before.
    ``normalized_score`` is ``score / length ** length_penalty``.
    """

    token_ids: tuple[int, ...]
    score: float
    normalized_score: float
    parent: int

    @property
    def is_filler(self) -> bool:
        """Whether the beam only fills the batch, because too few sequences could go on."""
        return self.score < BEHIND_ALL / 10


@dataclass(frozen=True, slots=True)
class Slot:
    """A place among the best sequences; what has not ended holds it until something has.

    ``beam`` is ``None`` before anything came. ``score`` is what transformers ranks it by.
    """

    beam: Beam | None
    has_ended: bool

    @property
    def score(self) -> float:
        """The normalized score, far behind all others where the beam has not ended."""
        normalized = self.beam.normalized_score if self.beam is not None else 0.0
        return normalized if self.has_ended else normalized + BEHIND_ALL


@dataclass(frozen=True, slots=True)
class BeamState:
    """Live beams, best first, and the best sequences, best first.

    ``scores`` are the live beams' summed log-probabilities, shape (beams,), float32, on the host:
    a GPU is asked only where a vocabulary is gone through.
    ``is_done`` is whether the search is over; ``best[0]`` is then what ``generate()`` returns.
    """

    live: tuple[Beam, ...]
    scores: torch.Tensor
    best: tuple[Slot, ...]
    is_done: bool = False

    @property
    def finished(self) -> tuple[Beam, ...]:
        """The ended ones of the best sequences, best first."""
        return ended_beams(self.best)


@dataclass(frozen=True, slots=True)
class DroppedBeam:
    """A beam that goes no further, and why."""

    beam: Beam
    reason: str


@dataclass(frozen=True, slots=True)
class BeamLimits:
    """What ends a beam.

    ``has_ended`` says of each sequence of generated tokens whether it is to be continued no more;
    ``eos_token_count`` is how many tokens end a text; ``max_new_tokens`` is the longest sequence.
    """

    has_ended: Callable[[Sequence[tuple[int, ...]]], list[bool]]
    eos_token_count: int
    max_new_tokens: int


def initial_state(num_beams: int) -> BeamState:
    """Return the state before the first step: one real beam and fillers far behind it."""
    scores = torch.full((num_beams,), BEHIND_ALL, dtype=torch.float32)
    scores[0] = 0.0
    return BeamState((Beam((), 0.0, 0.0, 0),) * num_beams, scores, (Slot(None, False),) * num_beams)


def ended_beams(slots: Sequence[Slot]) -> tuple[Beam, ...]:
    """Return what has ended of ``slots``, in their order."""
    return tuple(one.beam for one in slots if one.has_ended and one.beam is not None)
