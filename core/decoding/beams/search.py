"""Beam search and beam sampling: one step as a function of state and log-probabilities.

Must never run a model. The arithmetic follows ``GenerationMixin._beam_search`` of transformers 5
for a batch of one, in float32, so that scores and ties fall alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from core.decoding.beams.state import (
    BEHIND_ALL,
    Beam,
    BeamLimits,
    BeamState,
    DroppedBeam,
    Slot,
    ended_beams,
)
from core.decoding.weighing.step import Weighed, nothing_to_draw_from
from core.records.settings import Settings


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

    Raises:
        PlaygroundError: There are no probabilities to draw from, where ``generate()`` fails too.
    """
    pool_scores, pool = _continuations(state, weighed, settings, limits, generator)
    ended = limits.has_ended([beam.token_ids for beam in pool])
    live, live_scores, places = _living(pool_scores, pool, ended, settings.num_beams)
    best, outranked = _ranked(state.best, pool, ended)
    is_done = all(ended) or _is_decided(
        _hoped_for(live, live_scores, settings, limits), best, settings
    )
    dropped = _dropped(pool, ended, places, outranked, settings.num_beams)
    return BeamState(live, live_scores, best, is_done), dropped


def _continuations(
    state: BeamState,
    weighed: Weighed,
    settings: Settings,
    limits: BeamLimits,
    generator: torch.Generator | None,
) -> tuple[torch.Tensor, list[Beam]]:
    """Return the continuations in play, in falling score."""
    if settings.do_sample:
        accumulated = _accumulated(state, weighed)
        probabilities = torch.softmax(accumulated, dim=-1)
        if math.isnan(float(probabilities[0, 0])):  # then all of them are
            raise nothing_to_draw_from()
        count = pool_size(settings, limits.eos_token_count)
        drawn = torch.multinomial(probabilities, num_samples=count, generator=generator)
        # As transformers has it from 5.24 on; before, they stayed in the order they were drawn in.
        fallen, order = accumulated.gather(1, drawn).sort(dim=-1, descending=True)
        scores, chosen = fallen[0].cpu(), _with_parents(drawn.gather(1, order), weighed)
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


def _living(
    scores: torch.Tensor, pool: list[Beam], ended: list[bool], count: int
) -> tuple[tuple[Beam, ...], torch.Tensor, list[int]]:
    """Return the ``count`` best of ``pool`` that have not ended, their scores, and their places."""
    if not any(ended) and _falls([beam.score for beam in pool[: count + 1]]):
        return tuple(pool[:count]), scores[:count], list(range(count))
    setback = torch.tensor(ended, dtype=torch.float32) * BEHIND_ALL
    live_scores, live_places = torch.topk(scores + setback, k=count)
    places: list[int] = live_places.tolist()
    live = tuple(
        replace(pool[place], score=score)
        for place, score in zip(places, live_scores.tolist(), strict=True)
    )
    return live, live_scores, places


def _best(
    state: BeamState, weighed: Weighed, count: int
) -> tuple[torch.Tensor, list[tuple[int, int]]] | None:
    """Return the best continuations with their parents; ``None`` where some are equal.

    None of the ``count`` best of all is behind as many of its own row.
    """
    rows = len(weighed.final)
    accumulated = (weighed.likeliest() + state.scores.view(-1, rows, 1)).flatten()
    scores, places = (one[: count + 1] for one in accumulated.sort(descending=True))
    if not _falls(scores.tolist()):
        return None
    of_row = len(weighed.final[0].token_ids)
    chosen = [divmod(place, of_row) for place in places[:count].tolist()]
    return scores[:count], [
        (parent, weighed.final[parent % rows].token_ids[rank]) for parent, rank in chosen
    ]


def _best_of_all(
    state: BeamState, weighed: Weighed, count: int
) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """Do what ``_best`` does by the whole vocabulary: which of equal ones come is topk's affair.

    It is not the first ones, and in 16 bit many are equal.
    """
    scores, places = torch.topk(_accumulated(state, weighed), k=count)
    return scores[0].cpu(), _with_parents(places, weighed)


def _accumulated(state: BeamState, weighed: Weighed) -> torch.Tensor:
    """Return every continuation's summed log-probability, shape (1, beams * vocabulary)."""
    logprobs = weighed.logprobs()
    return (logprobs + state.scores.to(logprobs.device)[:, None]).reshape(1, -1)


def _with_parents(places: torch.Tensor, weighed: Weighed) -> list[tuple[int, int]]:
    """Return parent and token of ``places`` in ``_accumulated``, shape (1, n), int64."""
    size = weighed.scores.shape[-1]
    return [divmod(place, size) for place in places[0].tolist()]


def _falls(scores: Sequence[float]) -> bool:
    """Whether each score is less than the one before."""
    return all(one > other for one, other in pairwise(scores))


def _ranked(
    best: tuple[Slot, ...], pool: list[Beam], ended: list[bool]
) -> tuple[tuple[Slot, ...], tuple[Beam, ...]]:
    """Return the best sequences, and the ended ones that are not among them, both best first.

    Equal ones stand as topk has them, so what has not ended takes part as in transformers.
    """
    beams = [*(one.beam for one in best), *pool]
    is_over = [one.has_ended for one in best]
    is_over += [has_ended and place < len(best) for place, has_ended in enumerate(ended)]
    scores = [one.score for one in best]
    scores += [
        beam.normalized_score + (0.0 if has_ended else BEHIND_ALL)
        for beam, has_ended in zip(pool, is_over[len(best) :], strict=True)
    ]
    places: list[int] = torch.topk(torch.tensor(scores), k=len(best)).indices.tolist()
    outranked = [
        beam
        for place, beam in enumerate(beams)
        if is_over[place] and beam is not None and place not in places
    ]
    outranked.sort(key=lambda beam: beam.normalized_score, reverse=True)
    return tuple(Slot(beams[place], is_over[place]) for place in places), tuple(outranked)


def _hoped_for(
    live: tuple[Beam, ...], scores: torch.Tensor, settings: Settings, limits: BeamLimits
) -> float:
    """Return the normalized score that the best live beam is expected to come to.

    With ``early_stopping: never`` and a length penalty that favours long texts, it is given the
    benefit of the greatest length; else that of its present one.
    """
    length = len(live[0].token_ids)
    if settings.early_stopping == "never" and settings.length_penalty > 0.0:
        length = limits.max_new_tokens
    elif not live[0].is_filler:
        return live[0].normalized_score
    return float(scores[0] / length**settings.length_penalty)


def _is_decided(best_possible: float, best: tuple[Slot, ...], settings: Settings) -> bool:
    """Whether no live beam is expected to beat the finished ones, or none can go on."""
    finished = len(ended_beams(best))
    if settings.early_stopping is True and finished == len(best):
        return True
    can_fill = finished < len(best) and best_possible > BEHIND_ALL
    can_beat = finished > 0 and best_possible > best[-1].score
    return not (can_fill or can_beat)


def _dropped(
    pool: list[Beam],
    ended: list[bool],
    live: list[int],
    outranked: tuple[Beam, ...],
    num_beams: int,
) -> tuple[DroppedBeam, ...]:
    dropped = [
        DroppedBeam(beam, f"ended, but {num_beams} better ones have")
        for beam in outranked
        if not beam.is_filler
    ]
    for place, beam in enumerate(pool):
        if beam.is_filler:
            continue
        if ended[place] and place >= num_beams:
            dropped.append(DroppedBeam(beam, f"ended outside the best {num_beams}"))
        elif not ended[place] and place not in live:
            dropped.append(DroppedBeam(beam, "outscored"))
    return tuple(dropped)
