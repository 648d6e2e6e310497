"""Choosing one token after the other: what all ways have in common, and the plain one.

Must never change what is chosen: every way gives the same tokens, records, dice and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from core.decoding.run import Run
from core.decoding.weighing.step import Weighed, choose_greedy, choose_sample, chosen_candidate
from core.records.steps import Candidate, Distribution


class Chooser(Protocol):
    """Chooses the tokens of one run."""

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """Return the token after ``token_ids``, the generated ones, and what it was chosen from."""
        ...

    def close(self) -> None:
        """Leave the model as it is after the last token."""
        ...


class StepByStep:
    """Reads every step before it starts the next one."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """See ``Chooser``."""
        model = self._run.model
        logits = model.decode(token_ids[-1:]) if token_ids else self._run.prefill()
        return choose(self._run, logits, token_ids)

    def close(self) -> None:
        """See ``Chooser``."""


def choose(
    run: Run, logits: torch.Tensor, token_ids: Sequence[int]
) -> tuple[Candidate, Distribution]:
    """Choose and record the token after ``token_ids``, the generated ones.

    ``logits`` are the model's, shape (1, vocabulary), float32.
    """
    dice = run.dice()
    weighed, token_id = weigh_and_choose(run, logits, token_ids, run.generator)
    run.record(logits, token_id, dice)
    token = chosen_candidate(weighed, 0, token_id, run.codec.token_text)
    return token, weighed.distributions[0]


def weigh_and_choose(
    run: Run, logits: torch.Tensor, token_ids: Sequence[int], generator: torch.Generator
) -> tuple[Weighed, int]:
    """Return what ``logits`` say of the token after ``token_ids``, and which one it is.

    Args:
        run: The run, which is told of nothing.
        logits: The model's, shape (1, vocabulary), float32.
        token_ids: The generated ones so far.
        generator: Where a draw takes its numbers from.
    """
    weighed = run.weigh(logits, [token_ids])
    if run.settings.do_sample:
        return weighed, choose_sample(weighed, generator)
    return weighed, choose_greedy(weighed)
