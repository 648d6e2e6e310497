"""Assisted decoding: an assistant guesses some tokens, and the model checks all in one pass.

Several tokens in one pass cost little more than one, since both read every weight once. A guess
counts only where the model, with the same settings and dice, chooses the very same token: so the
assistant decides how fast a run is, and nothing else. Must never let a guess be seen: tokens,
records, dice and rows are those of ``token_steps``.

After Leviathan et al. 2023 (arXiv 2211.17192) and transformers' assisted generation, which draw
guesses and choices by different dice and therefore match less often when they sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import torch

from core.decoding.choosers import choose, weigh_and_choose
from core.decoding.run import Run
from core.models.base import TakesGuesses
from core.records.steps import Candidate, Distribution

_FIRST_GUESSES = 4
"""How many tokens are guessed before anything is known of the assistant."""


class AssistedChooser:
    """Chooses the tokens of one run of ``model``, which is the run's own; see ``Chooser``.

    One guess more is made after a round whose guesses all came true, one less after any other, as
    in transformers' ``heuristic`` schedule; after a round without any, one is tried again.
    """

    def __init__(self, run: Run, model: TakesGuesses) -> None:
        self._run, self._model = run, model
        self._generator = torch.Generator(device=run.model.device)
        self._guesses = min(_FIRST_GUESSES, model.most_guesses)
        self._checked: deque[tuple[int, torch.Tensor]] = deque()
        """Guesses that stand in the model's row already, each with the logits after it."""
        self._length = len(run.context)
        """How many tokens of the model's row are the document's."""

    def next(self, token_ids: Sequence[int]) -> tuple[Candidate, Distribution]:
        """See ``Chooser``."""
        logits = self._logits(token_ids) if token_ids else self._run.prefill()
        self._length = len(self._run.context) + len(token_ids)
        return choose(self._run, logits, token_ids)

    def close(self) -> None:
        """See ``Chooser``."""
        self._forget_guesses()

    def _logits(self, token_ids: Sequence[int]) -> torch.Tensor:
        """Return the logits after ``token_ids``, shape (1, vocabulary)."""
        if self._checked:
            guess, logits = self._checked.popleft()
            if guess == token_ids[-1]:
                self._run.accepted_tokens += 1
                if not self._checked:
                    self._guesses = min(self._guesses + 1, self._model.most_guesses)
                return logits
            self._guesses -= 1
            self._forget_guesses()
        return self._round(token_ids)

    def _round(self, token_ids: Sequence[int]) -> torch.Tensor:
        guesses = self._guess(token_ids)
        if not guesses:
            self._guesses = max(1, self._guesses)
            return self._run.model.decode(token_ids[-1:])
        self._run.drafted_tokens += len(guesses)
        logits = self._model.check((token_ids[-1], *guesses))
        self._checked.extend(zip(guesses, torch.split(logits[1:], 1), strict=True))
        return logits[:1]

    def _guess(self, token_ids: Sequence[int]) -> list[int]:
        """Return what the assistant would choose after ``token_ids``, with the dice to come."""
        run = self._run
        # The token after the last guess is still within the run.
        count = min(self._guesses, run.most_tokens - len(token_ids) - 1)
        rows = list(token_ids)
        if count > 0 and run.settings.do_sample:
            self._generator.set_state(run.generator.get_state())
        for _ in range(count):
            logits = self._model.guess(rows[-1])
            _, token_id = weigh_and_choose(run, logits, rows, self._generator)
            rows.append(token_id)
            if token_id in run.eos_token_ids:
                break
        return rows[len(token_ids) :]

    def _forget_guesses(self) -> None:
        self._checked.clear()
        if len(self._run.model.rows[0]) > self._length:
            self._run.model.rewind(self._length)
