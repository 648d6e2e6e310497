"""The dice: sampling shown as the race that it is, beside the probabilities.

``torch.multinomial`` with one sample lets all tokens race: each draws a waiting time from the
exponential distribution, divides it by its probability, and the first to arrive wins
(``multinomial`` in ATen/native/Distributions.cpp: ``argmax(p / q)``, ``q`` from
``exponential_(1)``). So a token wins with just its probability, and its own draw says how lucky it
was. Must never advance the generator of a run: draws are replayed on generators of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from core.decoding.draws import waiting_times
from core.looking_back.explain import applied_settings, kept_step
from core.records.recorded_run import RecordedRun

FINISHERS = 5
"""How many tokens of a race are told."""


@dataclass(frozen=True, slots=True)
class Finisher:
    """A token in the race of one step.

    ``probability`` is the final one: the share of all draws that it wins. ``luck`` is the share
    of draws that are at least as lucky as its own was: 0.01 is one in a hundred, 0.5 the middle.
    ``time`` is when it arrived; the least wins.
    """

    token_id: int
    text: str
    probability: float
    luck: float
    time: float


@dataclass(frozen=True, slots=True)
class Draw:
    """How one token was drawn.

    ``winner`` is the recorded token. It had to be among the luckiest ``needed`` of its draws (0
    to 1) to come before the others, and was among the luckiest ``winner.luck``. ``finishers`` are
    the first to arrive; with a worse draw of the winner, the next of them would have won.
    ``favourite`` is the likeliest token. ``is_replayed`` is whether the race run again on the
    host has the recorded winner: where two arrive almost together, a GPU may have rounded to
    another.
    """

    winner: Finisher
    needed: float
    finishers: tuple[Finisher, ...]
    favourite: Finisher
    is_replayed: bool


class Dice:
    """The waiting times that the draws of one run used, or would have used.

    A run that drew nothing is given those that sampling under its seed would have had: nothing is
    drawn for a token that a person chose.
    """

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._generator = torch.Generator(device=run.start.device)
        self._replayed = torch.Generator(device=run.start.device).manual_seed(run.start.seed)
        self._states = [self._replayed.get_state()]

    def times(self, index: int) -> torch.Tensor:
        """Return the waiting times of step ``index`` before division, shape (vocabulary,), float32.

        They are on the host.

        Raises:
            PlaygroundError: The step's logits are no longer kept.
        """
        step = kept_step(self._run, index)
        if step.dice is not None:
            state = torch.frombuffer(bytearray(step.dice), dtype=torch.uint8)
        else:
            forced = sum(one < index for one in self._run.forced)
            draws = self._run.start.drawn + index - forced
            state = self._state(draws, step.vocabulary_size)
        self._generator.set_state(state)
        return waiting_times(self._generator, step.vocabulary_size)

    def _state(self, draws: int, vocabulary_size: int) -> torch.Tensor:
        while len(self._states) <= draws:
            waiting_times(self._replayed, vocabulary_size)
            self._states.append(self._replayed.get_state())
        return self._states[draws]


def race_winner(scores: torch.Tensor, times: torch.Tensor) -> int:
    """Return the token that ``torch.multinomial`` draws.

    Args:
        scores: After all settings, shape (vocabulary,), float32.
        times: What ``exponential_`` gave its generator, same shape.
    """
    return int((torch.softmax(scores, dim=-1) / times).argmax())


def explain_draw(run: RecordedRun, index: int, dice: Dice | None = None) -> Draw | None:
    """Return how the token of step ``index`` was drawn; ``None`` where nothing was drawn.

    Args:
        run: Recorded with a ``LogitsStore``.
        index: Of the step, from 0.
        dice: Those of this run, where they are at hand.

    Raises:
        PlaygroundError: The step's logits are no longer kept.
    """
    if not run.start.settings.do_sample or index in run.forced:
        return None
    applied, _ = applied_settings(run, index)
    times = (dice or Dice(run)).times(index)
    probabilities = torch.softmax(applied.scores, dim=-1)
    arrivals = times / probabilities
    arrivals[probabilities == 0] = math.inf
    count = min(FINISHERS, int((probabilities > 0).sum()))
    order: list[int] = torch.topk(arrivals, count, largest=False).indices.tolist()

    def finisher(token_id: int) -> Finisher:
        return Finisher(
            token_id,
            run.start.texts.token_text(token_id),
            float(probabilities[token_id]),
            -math.expm1(-float(times[token_id])),
            float(arrivals[token_id]),
        )

    winner = finisher(run.token_ids[index])
    rivals = [float(arrivals[one]) for one in order if one != winner.token_id]
    needed = -math.expm1(-winner.probability * rivals[0]) if rivals else 1.0
    return Draw(
        winner=winner,
        needed=needed,
        finishers=tuple(map(finisher, order)),
        favourite=finisher(int(probabilities.argmax())),
        is_replayed=race_winner(applied.scores, times) == winner.token_id,
    )
