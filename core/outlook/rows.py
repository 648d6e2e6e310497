"""The logits after several texts at once, which begin with one document and are equally long.

Must never weigh them. What texts have in common is read once, as far as one cache can hold it: its
rows are always equally long, so that whoever goes on from other texts than the last ones has those
read anew, from where they part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.models.base import CausalModel
from core.text.token_ids import common_length

_Text = tuple[int, ...]


class Rows:
    """Reads texts behind ``document``, at least one token, with a cache that is its own.

    With ``is_filled``, every reading has ``most`` rows, the last ones copies: where a step is
    recorded for a number of rows, another number would mean another recording.
    """

    def __init__(
        self, model: CausalModel, document: _Text, most: int, *, is_filled: bool = False
    ) -> None:
        self._model, self._document = model, document
        self._most, self._is_filled = most, is_filled
        self._held: list[_Text] | None = None

    def after(self, texts: Sequence[_Text]) -> torch.Tensor:
        """Return the logits after the document and each of ``texts``.

        Args:
            texts: Other ones each, all of the same length, which may be 0.

        Returns:
            Shape (texts, vocabulary), float32; they hold until the next call.
        """
        if not texts[0]:
            return self._begin(())
        held = self._held
        if held is None or any(one[: len(held[0])] not in held for one in texts):
            held = self._go_back(texts)
        logits = torch.empty(0)
        for length in range(len(held[0]) + 1, len(texts[0]) + 1):
            wanted = list(dict.fromkeys(one[:length] for one in texts))
            logits = self._append(wanted, held)
            held = self._held = wanted
        return logits[: len(texts)]

    def _append(self, wanted: Sequence[_Text], held: Sequence[_Text]) -> torch.Tensor:
        places = {one: place for place, one in enumerate(held)}
        parents = [places[one[:-1]] for one in wanted]
        tokens = [one[-1] for one in wanted]
        copies = self._most - len(wanted) if self._is_filled else 0
        self._model.reorder(parents + parents[-1:] * copies)
        return self._model.decode(tokens + tokens[-1:] * copies)

    def _go_back(self, texts: Sequence[_Text]) -> list[_Text]:
        """Hold one row that all of ``texts`` begin with, and that is shorter than they are."""
        shared = texts[0][: common_length(min(texts), max(texts))][: len(texts[0]) - 1]
        held = self._held or []
        lengths = [common_length(one, shared) for one in held]
        best = max(lengths, default=0)
        row = lengths.index(best) if held else 0
        wanted = len(self._document) + best
        if not held or self._model.rewind(wanted, row) != wanted:
            self._begin(shared)
            best = len(shared)
        self._held = [shared[:best]]
        return self._held

    def _begin(self, text: _Text) -> torch.Tensor:
        self._model.rewind(0)
        self._held = [text]
        return self._model.prefill((*self._document, *text))
