"""Beam search and beam sampling: one step as a function of state and log-probabilities.

Must never run a model. The arithmetic follows ``GenerationMixin._beam_search`` of transformers 5
for a batch of one, in float32, so that scores and ties fall alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from core.decoding import Weighed
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


def pool_size(settings: Settings, eos_token_count: int) -> int:
    """Return how many continuations are in play: beams must go on where others end."""
    return max(2, 1 + eos_token_count) * settings.num_beams


def advance(
    state: BeamState,
    weighed: Weighed,
    settings: Settings,
    limits: BeamLimits,
    generator: torch.Generator | None = None,
) -> tuple[BeamState, tuple[DroppedBeam, ...]]:
    """Take every live beam one token further; return the new state and the beams given up.

    Args:
        state: The beams so far, all of the same length.
        weighed: What each live beam weighed for its next token, or all of them at the first step;
            with one token more than ``pool_size`` in its figures, but where ``do_sample`` is set.
        settings: ``num_beams``, ``do_sample``, ``length_penalty`` and ``early_stopping`` count.
        limits: What ends a beam.
        generator: Draws the continuations where ``do_sample`` is set.
    """
    pool_scores, pool = _continuations(state, weighed, settings, limits, generator)
    ended = limits.has_ended([beam.token_ids for beam in pool])
    setback = torch.tensor(ended, dtype=torch.float32) * _BEHIND_ALL
    live_scores, live_places = torch.topk(pool_scores + setback, k=settings.num_beams)
    places: list[int] = live_places.tolist()
    live = tuple(
        replace(pool[place], score=score)
        for place, score in zip(places, live_scores.tolist(), strict=True)
    )
    ranked = _ranked(state.finished, pool, ended, settings.num_beams)
    finished = tuple(ranked[: settings.num_beams])
    is_done = all(ended) or _is_decided(
        live_scores, finished, len(pool[0].token_ids), settings, limits
    )
    dropped = _dropped(pool, ended, places, ranked, settings.num_beams)
    return BeamState(live, live_scores, finished, is_done), dropped


def _continuations(
    state: BeamState,
    weighed: Weighed,
    settings: Settings,
    limits: BeamLimits,
    generator: torch.Generator | None,
) -> tuple[torch.Tensor, list[Beam]]:
    """Return the continuations in play.

    In falling score for beam search; for beam sampling in the order in which they were drawn.
    """
    if settings.do_sample:
        logprobs = weighed.logprobs()
        accumulated = (logprobs + state.scores.to(logprobs.device)[:, None]).reshape(1, -1)
        probabilities = torch.softmax(accumulated, dim=-1)
        count = pool_size(settings, limits.eos_token_count)
        drawn = torch.multinomial(probabilities, num_samples=count, generator=generator)
        scores = accumulated.gather(1, drawn)[0].cpu()
        chosen = [divmod(index, logprobs.shape[-1]) for index in drawn[0].tolist()]
    else:
        count = pool_size(settings, limits.eos_token_count)
        scores, chosen = _best(state, weighed, count) or _best_of_all(state, weighed, count)
    length = len(state.live[0].token_ids) + 1
    normalized: list[float] = (scores / length**settings.length_penalty).tolist()
    pool = [
        Beam((*state.live[parent].token_ids, token_id), score, ranking, parent)
        for (parent, token_id), score, ranking in zip(
            chosen, scores.tolist(), normalized, strict=True
        )
    ]
    return scores, pool


def _best(
    state: BeamState, weighed: Weighed, count: int
) -> tuple[torch.Tensor, list[tuple[int, int]]] | None:
    """Return the best continuations with their parents; ``None`` where some are equal.

    None of the ``count`` best of all is behind as many of its own row.
    """
    likeliest = weighed.likeliest()
    likeliest = [*likeliest] * (len(state.live) // len(likeliest))
    logprobs = torch.tensor([row.values for row in likeliest])
    accumulated = (logprobs + state.scores[:, None]).flatten()
    scores, places = (one[: count + 1] for one in accumulated.sort(descending=True))
    if bool((scores[1:] == scores[:-1]).any()):
        return None
    of_row = logprobs.shape[1]
    chosen = [divmod(place, of_row) for place in places[:count].tolist()]
    return scores[:count], [(parent, likeliest[parent].token_ids[rank]) for parent, rank in chosen]


def _best_of_all(
    state: BeamState, weighed: Weighed, count: int
) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """Do what ``_best`` does by the whole vocabulary: which of equal ones come is topk's affair.

    It is not the first ones, and in 16 bit many are equal.
    """
    logprobs = weighed.logprobs()
    accumulated = (logprobs + state.scores.to(logprobs.device)[:, None]).reshape(1, -1)
    scores, places = torch.topk(accumulated, k=count)
    return scores[0].cpu(), [divmod(place, logprobs.shape[-1]) for place in places[0].tolist()]


def _ranked(
    finished: tuple[Beam, ...], pool: list[Beam], ended: list[bool], num_beams: int
) -> list[Beam]:
    """Return all ended beams, best first, of which the first ``num_beams`` stay.

    Equal ones stand as topk has them among as many others as there are in transformers.
    """
    slots: list[Beam | None] = [*finished, *[None] * (num_beams - len(finished))]
    slots += [
        beam if ended[place] and place < num_beams else None for place, beam in enumerate(pool)
    ]
    scores = [_BEHIND_ALL if one is None else one.normalized_score for one in slots]
    for place, beam in enumerate(pool, num_beams):
        if slots[place] is None:
            scores[place] += beam.normalized_score
    best: list[int] = torch.topk(torch.tensor(scores), k=num_beams).indices.tolist()
    kept = [one for place in best if (one := slots[place]) is not None]
    others = [one for place, one in enumerate(slots) if one is not None and place not in best]
    return kept + sorted(others, key=lambda beam: beam.normalized_score, reverse=True)


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
