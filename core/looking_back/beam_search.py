"""A beam search as a whole: each beam's way, why it goes on or has stopped, what else could win.

Must never import torch: it reads the records of a run, and tells nothing that they do not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.looking_back.beam_contest import OUTSCORED, contest, grew_at
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Hypothesis, Step

Because = Literal["more_wanted", "can_beat", "early_stopping", "cannot_beat", "none_left"]
"""``more_wanted``: fewer have ended than there are beams. ``can_beat``: a live beam may come before
the last of those that have. Over: as many have as ``early_stopping`` waits for; no live beam is
expected to come before the last of them; or every beam has ended, or has no token to go on with."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a search goes on after a step, and why.

    ``bound`` is the normalised score that the best live beam is expected to come to, at
    ``bound_length`` tokens; ``last`` that of the last among the beams that have ended, which it
    would have to beat. ``None`` for what is not there.
    """

    is_over: bool
    because: Because
    ended: int
    wanted: int
    bound: float | None = None
    bound_length: int = 0
    last: float | None = None


def standing(step: BeamStep, settings: Settings, longest: int, *, put: int = 0) -> Standing:
    """Return whether the search goes on after ``step``, by the rule of transformers 5.

    ``longest`` is how many tokens the search may write behind the ``put`` ones of a person.
    """
    ended, wanted = len(step.finished), settings.num_beams
    live = [one for one in step.hypotheses if grew_at(step, one) and one not in step.finished]
    last = min((one.normalized_score for one in step.finished), default=None)
    if not live:
        return Standing(True, "none_left", ended, wanted, last=last)
    length = step.index + 1 - put
    bound = live[0].normalized_score
    if settings.early_stopping == "never" and settings.length_penalty > 0.0:
        length = longest
        bound = live[0].score / length**settings.length_penalty
    if ended < wanted:
        return Standing(False, "more_wanted", ended, wanted, bound, length, last)
    if settings.early_stopping is True:
        return Standing(True, "early_stopping", ended, wanted, bound, length, last)
    can_beat = last is not None and bound > last
    because: Because = "can_beat" if can_beat else "cannot_beat"
    return Standing(not can_beat, because, ended, wanted, bound, length, last)


def tokens_put_first(steps: Sequence[Step]) -> int:
    """Return how many tokens a person put before a search, of which ``steps`` are the run's."""
    return next((one.index for one in steps if isinstance(one, BeamStep)), len(steps))


def rows_of(steps: Sequence[BeamStep], one: Hypothesis) -> tuple[int, ...]:
    """Return which beam of the step before each token of ``one`` was put to, by its place from 0.

    ``steps`` are those of its search from the first on. They are the ``beam_indices`` that
    ``generate()`` returns.
    """
    return tuple(hypothesis.parent for hypothesis in ancestors(steps, one))


def ancestors(steps: Sequence[BeamStep], one: Hypothesis) -> tuple[Hypothesis, ...]:
    """Return the beams that ``one`` was, from its first token in the search on to itself."""
    first = steps[0].index
    way = [one]
    for place in range(len(one.token_ids) - 2 - first, -1, -1):
        way.append(steps[place].hypotheses[way[-1].parent])
    return tuple(reversed(way))


def ended_texts(steps: Sequence[BeamStep]) -> tuple[Hypothesis, ...]:
    """Return all beams that ever ended in a search, each once, whether they were kept or not."""
    found: dict[tuple[int, ...], Hypothesis] = {}
    for step in steps:
        for one in step.finished:
            found.setdefault(one.token_ids, one)
        for lost in step.dropped:
            if lost.reason != OUTSCORED:
                found.setdefault(lost.hypothesis.token_ids, lost.hypothesis)
    return tuple(found.values())


def ranked_under(
    ended: Sequence[Hypothesis], length_penalty: float, *, put: int = 0
) -> list[tuple[float, Hypothesis]]:
    """Return beams that have ended as another ``length_penalty`` ranks them, best first.

    Each with its score. Under another one a search may also keep other beams, and end elsewhere:
    of that only a search tells.
    """
    ranked = [(one.score / (len(one.token_ids) - put) ** length_penalty, one) for one in ended]
    return sorted(ranked, key=lambda pair: pair[0], reverse=True)


@dataclass(frozen=True, slots=True)
class GreedyWay:
    """What became of the text that always takes the likeliest token.

    ``leaves_at`` is the index of the step at which the winner takes another one than it, with
    ``token`` in its place; ``None`` where it takes none. ``lost_at`` is the last step that knows of
    it, where it was given up, or ended. ``score`` is its sum up to there, ``behind`` how much more
    that of the winner is with as many tokens.
    """

    leaves_at: int | None
    token: Candidate | None
    lost_at: int
    score: float
    behind: float


def greedy_way(steps: Sequence[BeamStep], winner: Hypothesis) -> GreedyWay | None:
    """Follow the likeliest token from the first of ``steps`` on, as far as a beam holds that text.

    ``None`` where all candidates of a step were cut.
    """
    won = ancestors(steps, winner)
    row, leaves_at, instead, score = 0, None, None, 0.0
    at, previous = 0, None
    for at, step in enumerate(steps):
        contenders = contest(step, previous)[row].contenders
        left = [one for one in contenders if one.score is not None]
        if not left:
            return None
        best = max(left, key=lambda one: one.score or 0.0)
        token, score = best.candidate, best.score or 0.0
        has_left = at < len(won) and won[at].token.token_id != token.token_id
        if leaves_at is None and has_left:
            leaves_at, instead = step.index, token
        if best.fate != "live":
            break
        row, previous = best.place - 1, step
    compared = won[min(at, len(won) - 1)].score
    return GreedyWay(leaves_at, instead, steps[at].index, score, compared - score)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of text in which all beams agree that hold its beginning.

    ``beams`` are what the search held of it, a token each. ``behind`` are the stretches that follow
    it, the likeliest first. ``ended`` is whether its last token ended a text; ``lost`` why a beam
    was given up there.
    """

    beams: tuple[Hypothesis, ...]
    behind: tuple[Stretch, ...]
    ended: bool
    lost: str


def folded(steps: Sequence[BeamStep]) -> tuple[Stretch, ...]:
    """Return all that a search ever held as trees, folded where its beams agree."""
    known: dict[tuple[int, ...], Hypothesis] = {}
    ended: set[tuple[int, ...]] = set()
    lost: dict[tuple[int, ...], str] = {}
    for step in steps:
        for one in (*step.hypotheses, *step.finished, *(one.hypothesis for one in step.dropped)):
            known.setdefault(one.token_ids, one)
        ended.update(one.token_ids for one in step.finished)
        lost.update((one.hypothesis.token_ids, one.reason) for one in step.dropped)
    ended.update(one for one, reason in lost.items() if reason != OUTSCORED)
    children: dict[tuple[int, ...], list[Hypothesis]] = {}
    for one in known.values():
        children.setdefault(one.token_ids[:-1], []).append(one)
    for behind in children.values():
        behind.sort(key=lambda one: one.score, reverse=True)

    # From the longest on, since a search may be longer than Python calls itself.
    stretches: dict[tuple[int, ...], Stretch] = {}
    for token_ids in sorted(known, key=len, reverse=True):
        following = [stretches.pop(one.token_ids) for one in children.get(token_ids, ())]
        one, is_end = known[token_ids], token_ids in ended
        if len(following) == 1 and not is_end:
            only = following[0]
            made = Stretch((one, *only.beams), only.behind, only.ended, only.lost)
        else:
            made = Stretch((one,), tuple(following), is_end, lost.get(token_ids, ""))
        stretches[token_ids] = made
    return tuple(sorted(stretches.values(), key=lambda one: one.beams[0].score, reverse=True))


def all_stretches(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Yield every stretch, each before those behind it."""
    waiting = list(reversed(stretches))
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.behind))
