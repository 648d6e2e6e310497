"""Beam search and beam sampling: one step as a function of state and log-probabilities.

Must never run a model. The arithmetic follows ``GenerationMixin._beam_search`` of transformers 5
for a batch of one, in float32, so that scores and ties fall alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from core.figures import row_figures
from core.settings import Settings

_BEHIND_ALL = -1.0e9
"""Added to a score to put a beam behind all others, as transformers does."""


@dataclass(frozen=True, slots=True)
class Beam:
    """One sequence of generated tokens with its summed log-probability.

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
        return self.score < _BEHIND_ALL / 10


@dataclass(frozen=True, slots=True)
class BeamState:
    """Live beams, best first, and the ended ones, best first.

    ``scores`` are the live beams' summed log-probabilities, shape (beams,), float32, on the host:
    a GPU is asked only where a vocabulary is gone through.
    ``is_done`` is whether the search is over.
    """

    live: tuple[Beam, ...]
    scores: torch.Tensor
    finished: tuple[Beam, ...] = ()
    is_done: bool = False


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
    scores = torch.full((num_beams,), _BEHIND_ALL, dtype=torch.float32)
    scores[0] = 0.0
    return BeamState((Beam((), 0.0, 0.0, 0),) * num_beams, scores)


def advance(
    state: BeamState,
    logprobs: torch.Tensor,
    settings: Settings,
    limits: BeamLimits,
    generator: torch.Generator | None = None,
) -> tuple[BeamState, tuple[DroppedBeam, ...]]:
    """Take every live beam one token further; return the new state and the beams given up.

    Args:
        state: The beams so far, all of the same length.
        logprobs: Of each live beam's next token, after processors; shape (beams, vocabulary),
            float32.
        settings: ``num_beams``, ``do_sample``, ``length_penalty`` and ``early_stopping`` count.
        limits: What ends a beam.
        generator: Draws the continuations where ``do_sample`` is set.
    """
    pool_scores, pool = _continuations(state, logprobs, settings, limits, generator)
    ended = limits.has_ended([beam.token_ids for beam in pool])
    setback = torch.tensor(ended, dtype=torch.float32) * _BEHIND_ALL
    live_scores, live_places = torch.topk(pool_scores + setback, k=settings.num_beams)
    places: list[int] = live_places.tolist()
    live = tuple(
        replace(pool[place], score=score)
        for place, score in zip(places, live_scores.tolist(), strict=True)
    )
    newly_finished = [beam for place, beam in enumerate(pool[: settings.num_beams]) if ended[place]]
    ranked = sorted(
        (*state.finished, *newly_finished), key=lambda beam: beam.normalized_score, reverse=True
    )
    finished = tuple(ranked[: settings.num_beams])
    is_done = all(ended) or _is_decided(
        live_scores, finished, len(pool[0].token_ids), settings, limits
    )
    dropped = _dropped(pool, ended, places, ranked, settings.num_beams)
    return BeamState(live, live_scores, finished, is_done), dropped


def _continuations(
    state: BeamState,
    logprobs: torch.Tensor,
    settings: Settings,
    limits: BeamLimits,
    generator: torch.Generator | None,
) -> tuple[torch.Tensor, list[Beam]]:
    """Return the continuations in play: enough that beams can go on where others end.

    In falling score for beam search; for beam sampling in the order in which they were drawn.
    """
    count = max(2, 1 + limits.eos_token_count) * settings.num_beams
    accumulated = (logprobs + state.scores.to(logprobs.device)[:, None]).reshape(1, -1)
    if settings.do_sample:
        probabilities = torch.softmax(accumulated, dim=-1)
        indices = torch.multinomial(probabilities, num_samples=count, generator=generator)
        scores, indices = accumulated.gather(1, indices)[0].cpu(), indices.cpu()
    else:
        (best,) = row_figures(accumulated, count)
        scores = torch.tensor(best.values)
        indices = torch.tensor([best.token_ids])
    length = len(state.live[0].token_ids) + 1
    normalized: list[float] = (scores / length**settings.length_penalty).tolist()
    vocabulary = logprobs.shape[-1]
    pool: list[Beam] = []
    for index, score, ranking in zip(indices[0].tolist(), scores.tolist(), normalized, strict=True):
        parent, token_id = divmod(index, vocabulary)
        pool.append(Beam((*state.live[parent].token_ids, token_id), score, ranking, parent))
    return scores, pool


def _is_decided(
    live_scores: torch.Tensor,
    finished: tuple[Beam, ...],
    length: int,
    settings: Settings,
    limits: BeamLimits,
) -> bool:
    """Whether no live beam is expected to beat the finished ones.

    With ``early_stopping: never`` and a length penalty that favours long texts, a live beam is
    given the benefit of the greatest length; else its present one.
    """
    if len(finished) < settings.num_beams:
        return False
    if settings.early_stopping is True:
        return True
    if settings.early_stopping == "never" and settings.length_penalty > 0.0:
        length = limits.max_new_tokens
    best_possible = float(live_scores[0] / length**settings.length_penalty)
    return best_possible <= finished[-1].normalized_score


def _dropped(
    pool: list[Beam], ended: list[bool], live: list[int], ranked: list[Beam], num_beams: int
) -> tuple[DroppedBeam, ...]:
    dropped = [
        DroppedBeam(beam, f"ended, but {num_beams} better ones have") for beam in ranked[num_beams:]
    ]
    for place, beam in enumerate(pool):
        if beam.is_filler:
            continue
        if ended[place] and place >= num_beams:
            dropped.append(DroppedBeam(beam, f"ended outside the best {num_beams}"))
        elif not ended[place] and place not in live:
            dropped.append(DroppedBeam(beam, "outscored"))
    return tuple(dropped)
