"""Greedy decoding of a model that goes on by itself while nothing is told of its tokens.

A small model's step is shorter than what Python does for a token's record, which is quicker for
several tokens in turn than for one between two steps that take the processor's caches. Must never
let that be seen: tokens, records and rows are those of ``token_steps``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch

from core.decoding.choosers import choose
from core.decoding.run import Run
from core.models.base import RunsOn
from core.records.steps import Candidate, Distribution


class RunOnChooser:
    """Chooses the tokens of one greedy run of ``model``, which is the run's own; see ``Chooser``.

    The model runs on with the likeliest token. Where the settings choose another one, all that came
    behind is taken back; so it runs on half as far as the likeliest was chosen without a break.
    """

    def __init__(self, run: Run, model: RunsOn) -> None:
        self._run, self._model = run, model
        self._unbroken = 0
        """How many of the newest tokens were the likeliest."""
        self._known: deque[tuple[int, torch.Tensor]] = deque()
        """Tokens that stand in the model's row already, each with the logits after it."""
        self._length = len(run.context)
        """How many tokens of the model's row are the document's."""

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """See ``Chooser``."""
        logits = self._logits(token_ids) if token_ids else self._run.prefill()
        self._length = len(self._run.context) + len(token_ids)
        token, weighed = choose(self._run, logits, token_ids)
        is_likeliest = token.token_id == weighed.candidates[0].token_id
        self._unbroken = self._unbroken + 1 if is_likeliest else 0
        return token, weighed

    def close(self) -> None:
        """See ``Chooser``."""
        self._take_back()

    def _logits(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Return the logits after ``token_ids``, shape (1, vocabulary)."""
        if self._known:
            token_id, logits = self._known.popleft()
            if token_id == token_ids[-1]:
                return logits
            self._take_back()
        # The token after the last one is still within the run.
        left = self._run.most_tokens - len(token_ids) - 1
        count = max(0, min(self._unbroken // 2, self._model.most_run_on, left))
        logits, chosen = self._model.run_on(token_ids[-1], count)
        first, *others = torch.split(logits, 1)
        self._known.extend(zip(chosen, others, strict=True))
        return first

    def _take_back(self) -> None:
        self._known.clear()
        if len(self._run.model.rows[0]) > self._length:
            self._run.model.rewind(self._length)
