"""Guidance: what the model says where another text stands in the place of the prompt.

After ``UnbatchedClassifierFreeGuidanceLogitsProcessor`` of transformers, whose cache of beams stays
in the order in which they were when each token came. Must never choose a token, nor touch the cache
of the model that it guides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import torch

from core.models.base import CausalModel, SharesWeights
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.text.token_ids import common_length


class Guide:
    """Says what ``model``, whose cache is its own, expects behind ``head`` and what is written.

    Without a ``head`` the prompt's last token is there. ``prompt_length`` is how many tokens stand
    before the first one that the settings count as new.
    """

    def __init__(self, model: CausalModel, head: tuple[int, ...], prompt_length: int) -> None:
        self._model, self._head, self._prompt_length = model, head, prompt_length
        self.last: torch.Tensor | None = None
        """What it said when it was last asked, shape (rows, vocabulary), float32."""

    def room(self, length: int) -> int:
        """Return how many tokens can follow a document of ``length`` tokens."""
        if self._model.context_size is None:
            return sys.maxsize
        written = length - self._prompt_length
        return self._model.context_size - max(1, len(self._head)) - written

    def logits(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next token without the prompt, shape (rows, vocabulary).

        ``token_ids``, shape (rows, length), int64, are whole documents. One may be any; of several,
        which are beams, each call adds one token.
        """
        rows: list[list[int]] = token_ids.tolist()
        self.last = self._of_text(rows[0]) if len(rows) == 1 else self._of_beams(rows)
        return self.last

    def _of_text(self, document: list[int]) -> torch.Tensor:
        head = self._head or tuple(document[: self._prompt_length][-1:])
        wanted = [*head, *document[self._prompt_length :]]
        common = min(common_length(wanted, self._model.rows[0]), len(wanted) - 1)
        kept = self._model.rewind(common)
        return self._model.prefill(wanted[kept:])

    def _of_beams(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        if len(self._model.rows) != len(rows):
            self._model.reorder([0] * len(rows))
        return self._model.decode([row[-1] for row in rows])


def guide_of(model: CausalModel, settings: Settings, prompt_length: int) -> Guide | None:
    """Return who guides ``model`` under ``settings``, whose texts are token ids already.

    ``None`` where they ask for no guidance.

    Raises:
        PlaygroundError: The negative prompt leaves no room, or the model has no second cache.
    """
    if not settings.is_guided:
        return None
    head = cast("tuple[int, ...]", settings.negative_prompt_ids or ())
    if model.context_size is not None and len(head) >= model.context_size:
        raise PlaygroundError(
            f"negative_prompt_ids has {len(head):,} tokens, and this model reads at most"
            f" {model.context_size:,}; shorten it"
        )
    if not isinstance(model, SharesWeights):
        raise PlaygroundError("this model cannot be guided; remove guidance_scale")
    return Guide(model.beside(), head, prompt_length)


def guided(
    scores: torch.Tensor, unconditional: torch.Tensor, guidance_scale: float
) -> torch.Tensor:
    """Return scores moved away from what was said without the prompt.

    All are of shape (rows, vocabulary), float32; the result are log-probabilities that do not sum
    to 1.
    """
    conditional = torch.log_softmax(scores, dim=-1)
    without = torch.log_softmax(unconditional.to(scores.device), dim=-1)
    return guidance_scale * (conditional - without) + without
