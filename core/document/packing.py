"""Steps as a few bytes, and back: everything of them, to the last bit.

Must never be given bytes from anywhere else: what is packed stays in this process.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    DroppedHypothesis,
    Hypothesis,
    Step,
    TokenStep,
)

_UNPACKED = 16
"""So many packs are kept as records too, those that were asked for last."""

_PLAIN, _COMPRESSED = b"p", b"z"

_QUICK = 1  # of zlib's levels

_Fields = tuple[Any, ...]

_CANDIDATE = attrgetter("token_id", "text", "logprob", "final_logprob", "rank", "cut_by")
_HYPOTHESIS = attrgetter("score", "normalized_score", "parent", "is_special")
_TOKEN_STEP = attrgetter("index", "text", "elapsed", "chosen_by", "is_special")


def packed(steps: Sequence[Step]) -> bytes:
    """Return ``steps`` packed: a token takes some 250 bytes, and as a record 1,200.

    Beams, which repeat each other, are compressed, and take some 700 a step. Tokens are not: zlib
    lets other threads go first for each pack, which holds up the end of a long run.
    """
    plain = marshal.dumps(list(_all_fields(steps)))
    if all(isinstance(step, TokenStep) for step in steps):
        return _PLAIN + plain
    return _COMPRESSED + zlib.compress(plain, _QUICK)


@lru_cache(maxsize=_UNPACKED)
def unpacked(pack: bytes) -> tuple[Step, ...]:
    """Return the steps that ``packed`` made ``pack`` of."""
    steps: list[Step] = []
    beams: tuple[Hypothesis, ...] = ()
    plain = pack[1:] if pack.startswith(_PLAIN) else zlib.decompress(pack[1:])
    for fields in marshal.loads(plain):  # noqa: S302 - see above
        if len(fields) == _OF_A_TOKEN_STEP:
            steps.append(_token_step(fields))
        else:
            step = _beam_step(beams, *fields)
            steps.append(step)
            beams = step.hypotheses
    return tuple(steps)


def _all_fields(steps: Sequence[Step]) -> Iterator[_Fields]:
    beams: tuple[Hypothesis, ...] = ()
    for step in steps:
        if isinstance(step, TokenStep):
            weighed = step.distribution
            token = _of_chosen(step.token, weighed)
            yield (*_TOKEN_STEP(step), token, _of_distribution(weighed))
        else:
            yield _of_beams(step, beams)
            beams = step.hypotheses


_OF_A_TOKEN_STEP = 7


def _of_distribution(one: Distribution) -> _Fields:
    return one.entropy, one.kept, list(map(_CANDIDATE, one.candidates))


def _distribution(fields: _Fields) -> Distribution:
    entropy, kept, candidates = fields
    return Distribution(tuple(Candidate(*one) for one in candidates), entropy, kept)


def _of_chosen(token: Candidate, weighed: Distribution) -> int | _Fields:
    """Return the place of ``token`` among what was weighed, or all of it where it has none."""
    for place, one in enumerate(weighed.candidates):
        if one is token:
            return place
    return tuple(_CANDIDATE(token))


def _chosen(token: int | _Fields, weighed: Distribution) -> Candidate:
    return weighed.candidates[token] if isinstance(token, int) else Candidate(*token)


def _token_step(fields: _Fields) -> TokenStep:
    index, text, elapsed, chosen_by, is_special, token, weighed = fields
    distribution = _distribution(weighed)
    chosen = _chosen(token, distribution)
    return TokenStep(index, chosen, distribution, text, elapsed, chosen_by, is_special)


def _of_beams(step: BeamStep, before: Sequence[Hypothesis]) -> _Fields:
    """Return the fields of a step of beams; ``before`` are those that it began from, if known."""

    def of(one: Hypothesis) -> _Fields:
        in_reach = one.parent < len(step.distributions)
        weighed = step.distributions[one.parent] if in_reach else _NOTHING
        return *_HYPOTHESIS(one), *_of_written(one, before), _of_chosen(one.token, weighed)

    return (
        step.index,
        step.elapsed,
        list(map(of, step.hypotheses)),
        list(map(of, step.finished)),
        [(of(one.hypothesis), one.reason) for one in step.dropped],
        list(map(_of_distribution, step.distributions)),
    )


def _beam_step(
    before: Sequence[Hypothesis],
    index: int,
    elapsed: float,
    hypotheses: Sequence[_Fields],
    finished: Sequence[_Fields],
    dropped: Sequence[tuple[_Fields, str]],
    weighed: Sequence[_Fields],
) -> BeamStep:
    distributions = tuple(map(_distribution, weighed))

    def made(fields: _Fields) -> Hypothesis:
        score, normalized_score, parent, is_special, token_ids, text, chosen = fields
        in_reach = isinstance(chosen, int)
        token = _chosen(chosen, distributions[parent] if in_reach else _NOTHING)
        if token_ids is None:
            token_ids = (*before[parent].token_ids, token.token_id)
            text = before[parent].text + text
        return Hypothesis(token_ids, text, score, normalized_score, parent, token, is_special)

    return BeamStep(
        index,
        tuple(map(made, hypotheses)),
        tuple(map(made, finished)),
        tuple(DroppedHypothesis(made(one), reason) for one, reason in dropped),
        distributions,
        elapsed,
    )


_NOTHING = Distribution((), 0.0, 0)


def _of_written(one: Hypothesis, before: Sequence[Hypothesis]) -> tuple[Sequence[int] | None, str]:
    """Return token ids and text of a beam; of one that grew from another, what it added alone."""
    if one.parent < len(before):
        parent = before[one.parent]
        grew = (*parent.token_ids, one.token.token_id) == one.token_ids
        if grew and one.text.startswith(parent.text):
            return None, one.text[len(parent.text) :]
    return one.token_ids, one.text
