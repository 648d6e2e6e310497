"""The tokens that a finished run is made of, each with what it was chosen from.

Must never believe that a search fits together: of one that does not, the text alone is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.records.steps import (
    BeamStep,
    Candidate,
    ChosenBy,
    Distribution,
    Finished,
    Hypothesis,
    Step,
    TokenStep,
)


@dataclass(frozen=True, slots=True)
class WrittenToken:
    """One token of a run's text.

    ``text`` is what it adds to the text; ``step`` is the position of the step that took it.
    ``distribution`` is what it was chosen from, ``None`` where that is not known. Of a beam
    search, ``score`` is the sum of log-probabilities up to it.
    """

    step: int
    text: str
    token: Candidate
    distribution: Distribution | None
    chosen_by: ChosenBy = "settings"
    is_special: bool = False
    score: float | None = None


def written_tokens(steps: Sequence[Step], finished: Finished) -> tuple[list[WrittenToken], str]:
    """Return the tokens of a run, and what its text has beyond them.

    The tokens' texts and that rest make up the whole text. Of a beam search they are the winner's.
    """
    tokens = _tokens(steps, finished)
    text = "".join(one.text for one in tokens)
    if finished.reason == "failed" and not finished.text:
        return tokens, ""
    if finished.text.startswith(text):
        return tokens, finished.text[len(text) :]
    return [], finished.text


def final_beams(steps: Sequence[Step]) -> list[Hypothesis]:
    """Return what a beam search ended with, best first; empty where it was none."""
    last = steps[-1] if steps else None
    if not isinstance(last, BeamStep):
        return []
    beams = {one.token_ids: one for one in (*last.hypotheses, *last.finished)}
    return sorted(beams.values(), key=lambda one: -one.normalized_score)


def _tokens(steps: Sequence[Step], finished: Finished) -> list[WrittenToken]:
    for one in final_beams(steps):
        if one.token_ids == finished.token_ids:
            return _of_beam(steps, one)
    return list(_of_steps(steps)) if not steps or isinstance(steps[-1], TokenStep) else []


def _of_steps(steps: Sequence[Step]) -> Iterator[WrittenToken]:
    for position, step in enumerate(steps):
        if isinstance(step, TokenStep):
            yield WrittenToken(
                position, step.text, step.token, step.distribution, step.chosen_by, step.is_special
            )


def _of_beam(steps: Sequence[Step], beam: Hypothesis) -> list[WrittenToken]:
    """Follow a beam back from parent to parent; what a person put first stands before it."""
    found: list[WrittenToken] = []
    for position in range(min(len(beam.token_ids), len(steps)) - 1, -1, -1):
        step = steps[position]
        if not isinstance(step, BeamStep):
            return [*_of_steps(steps[: position + 1]), *reversed(found)]
        parent = _parent(steps, beam, position)
        weighed = step.distributions[beam.parent : beam.parent + 1]
        if parent is not None:
            written = len(parent.text)
        else:
            put = _of_steps(steps[:position])
            written = sum(len(one.text) for one in put)
        found.append(
            WrittenToken(
                position,
                beam.text[written:],
                beam.token,
                weighed[0] if weighed else None,
                is_special=beam.is_special,
                score=beam.score,
            )
        )
        if parent is not None:
            beam = parent
    return list(reversed(found))


def _parent(steps: Sequence[Step], beam: Hypothesis, position: int) -> Hypothesis | None:
    before = steps[position - 1] if position else None
    if isinstance(before, BeamStep) and beam.parent < len(before.hypotheses):
        return before.hypotheses[beam.parent]
    return None
