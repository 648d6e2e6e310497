"""Choosing one token after the other: what all ways have in common, and the plain one.

Must never change what is chosen: every shortcut gives the tokens, records, dice and rows of the
plain way, which reads every step before it starts the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from typing import Protocol

import torch

from core.decoding.asking import Asked, Steps, ask
from core.decoding.forced_steps import next_token
from core.decoding.run import Run
from core.decoding.weighing.step import Weighed, choose_greedy, choose_sample, chosen_candidate
from core.records.steps import Candidate, Distribution, FinishReason, TokenStep


class Chooser(Protocol):
    """A shortcut: chooses the tokens of one run that has its model to itself."""

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """Return the token after ``token_ids``, the generated ones, and what it was chosen from."""
        ...

    def close(self) -> None:
        """Leave the model as it is after the last token."""
        ...


def token_steps(
    run: Run, is_cancelled: Callable[[], bool], shortcut: Chooser | None = None
) -> Steps:
    """Choose one token after the other; yield a ``TokenStep`` for each, then ``Finished``.

    ``shortcut`` chooses them, where there is one, and is closed; it asks the run's model itself.
    """
    token_ids: list[int] = []
    texts: list[str] = []
    state = run.state
    first = len(run.token_ids)
    reason: FinishReason | None = None
    with closing(shortcut) if shortcut is not None else nullcontext():
        while reason is None:
            if is_cancelled():
                reason = "cancelled"
                break
            if shortcut is not None:
                token, distribution = shortcut.next(token_ids)
            else:
                asked = Asked((0,), (token_ids[-1],)) if token_ids else Asked()
                logits = yield from ask(asked)
                token, distribution = choose(run, logits, token_ids)
            text, state = run.extend(state, token.token_id)
            index = first + len(token_ids)
            token_ids.append(token.token_id)
            texts.append(text)
            elapsed = run.tick()
            is_special = run.is_special(token.token_id)
            yield TokenStep(index, token, distribution, text, elapsed, is_special=is_special)
            reason = run.stop_rule.reason(token_ids)
    if reason == "by_hand":
        run.write(token_ids)
        run.keep_row()
        yield next_token(run)
        token_ids, texts = [], []
    # Bytes that never became a character are shown as what they are: replacement marks.
    text = "".join((run.text, *texts, run.codec.rest(state)))
    yield run.finished(reason, (*run.token_ids, *token_ids), text)


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
