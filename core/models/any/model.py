"""Any Hugging Face causal language model behind the contract of ``base``.

Must never choose a token: it runs the model that transformers loaded, and keeps its cache. Where a
cache cannot be read on or cut, the text is read anew: slower, but never wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from copy import copy
from typing import Any, cast

import torch
from transformers import DynamicCache, PreTrainedModel

from core.models.any.module_forward import ModuleForward
from core.models.inspection.cache_facts import context_size_of
from core.text.token_ids import configured_token_ids

_SCORED_AT_ONCE = 64
"""How many rows of logits there are at once: a row of gpt2-xl's has 0.2 MB."""

_CUT = frozenset({"DynamicLayer", "DummyLayer"})
"""The layers of a cache that can be cut anywhere; a window or a state has lost what was before.

By their classes' names, since transformers has not always had all of them.
"""

_READ_ON = _CUT | {"DynamicSlidingWindowLayer"}
"""The layers of a cache that several tokens can be read on top of; a state takes one at a time."""


class TransformersModel:
    """Wraps a ``PreTrainedModel`` in evaluation mode; see ``CausalModel``.

    Raises:
        PlaygroundError: Its configuration names token ids that are none, or it cannot continue a
            text token after token.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        model.train(False)
        self._model = model
        self._text_config: Any = model.config.get_text_config()
        self._forward = ModuleForward(model)
        self._cache = self._forward.new_cache()
        self._rows: list[list[int]] = [[]]
        _ = self.eos_token_ids, self.bos_token_id  # a wrong one is told before a run

    @property
    def module(self) -> PreTrainedModel:
        """The model itself."""
        return self._model

    @property
    def engine(self) -> str:
        """See ``CausalModel``."""
        return "transformers" if self.has_cache else "transformers, without a cache"

    @property
    def device(self) -> torch.device:
        """See ``CausalModel``."""
        return self._model.device

    @property
    def has_cache(self) -> bool:
        """Whether a step reads one token; else it reads the whole text."""
        return self._forward.has_cache

    @property
    def context_size(self) -> int | None:
        """See ``CausalModel``."""
        return context_size_of(self._text_config)

    @property
    def vocabulary_size(self) -> int:
        """See ``CausalModel``."""
        return int(self._text_config.vocab_size)

    @property
    def eos_token_ids(self) -> tuple[int, ...]:
        """See ``CausalModel``; taken from the generation configuration, as ``generate()`` does."""
        ids = getattr(self._model.generation_config, "eos_token_id", None)
        return configured_token_ids("eos_token_id", ids)

    @property
    def bos_token_id(self) -> int | None:
        """See ``CausalModel``."""
        token_id = getattr(self._model.generation_config, "bos_token_id", None)
        return next(iter(configured_token_ids("bos_token_id", token_id)), None)

    @property
    def rows(self) -> Sequence[Sequence[int]]:
        """See ``CausalModel``."""
        return self._rows

    def prefill(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``CausalModel``."""
        return self._append([list(token_ids)])

    def decode(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``CausalModel``."""
        return self._append([[token_id] for token_id in token_ids])

    def reorder(self, parents: Sequence[int]) -> None:
        """See ``CausalModel``."""
        if self._cache is not None and list(parents) != list(range(len(self._rows))):
            self._cache.reorder_cache(
                cast("torch.LongTensor", torch.tensor(parents, device=self.device))
            )
        self._rows = [list(self._rows[parent]) for parent in parents]

    def rewind(self, length: int, row: int = 0) -> int:
        """See ``CausalModel``; a cache with recurrent states starts anew, so does a cut window."""
        self.reorder([row])
        before = len(self._rows[0])
        surplus = before - length
        can_cut = _consists_of(self._cache, _CUT if surplus else _READ_ON)
        if length == 0 or not can_cut or self._turns_between(length, before):
            self.reset()
            return 0
        if surplus and self._cache is not None:
            self._cache.crop(-surplus)
        del self._rows[0][length:]
        return length

    def reset(self) -> None:
        """See ``CausalModel``."""
        self._cache = self._forward.new_cache()
        self._rows = [[]]

    def beside(self) -> TransformersModel:
        """See ``SharesWeights``."""
        beside = copy(self)
        beside.reset()
        return beside

    def all_logits(self, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
        """Yield the logits after each of ``token_ids``, in pieces of shape (n, vocabulary).

        They are float32. The text is read anew, beside the rows, which stay as they are.
        """
        cache = self._forward.new_cache()
        if not _consists_of(cache, _READ_ON):
            cache = None
        turn = self._forward.turning_point
        if turn is not None and len(token_ids) > turn:
            # As a text that has come so far is read, and as each beginning of it was before.
            yield from self.all_logits(token_ids[:turn])
            logits = self._forward([list(token_ids)])
            for piece in torch.split(logits[0, turn:], _SCORED_AT_ONCE):
                yield piece.float()
            return
        at_once = _SCORED_AT_ONCE if cache is not None else len(token_ids)
        for start in range(0, len(token_ids), at_once):
            logits = self._forward([list(token_ids[start : start + at_once])], cache, start)
            for piece in torch.split(logits[0], _SCORED_AT_ONCE):
                yield piece.float()

    @property
    def is_rounded(self) -> bool:
        """See ``ReadsBySteps``."""
        return self._model.dtype in (torch.bfloat16, torch.float16)

    def logits_by_steps(self, token_ids: Sequence[int], begin: int) -> Generator[torch.Tensor]:
        """See ``ReadsBySteps``."""
        kept = self._cache, self._rows
        self._cache, self._rows = self._forward.new_cache(), [[]]
        try:
            yield self.prefill(token_ids[:begin])
            for token_id in token_ids[begin:]:
                yield self.decode([token_id])
        finally:
            self._cache, self._rows = kept

    def _append(self, token_ids: list[list[int]]) -> torch.Tensor:
        """Append as many tokens to each row; return the logits after the last, float32."""
        rows = [row + more for row, more in zip(self._rows, token_ids, strict=True)]
        if self._turns_between(len(self._rows[0]), len(rows[0])):
            self._cache = self._forward.new_cache()
            logits = self._forward(rows, self._cache, only_last=True)
        elif self._cache is None:
            logits = self._forward(rows, only_last=True)
        else:
            logits = self._forward(token_ids, self._cache, len(self._rows[0]), only_last=True)
        self._rows = rows
        return logits[:, -1].float()

    def _turns_between(self, shorter: int, longer: int) -> bool:
        """Whether texts of these lengths are read by different positions."""
        turn = self._forward.turning_point
        return turn is not None and shorter <= turn < longer


def _consists_of(cache: DynamicCache | None, layers: Collection[str]) -> bool:
    """Whether the cache has no other layers than those; one that does not exist has none."""
    return cache is None or all(type(layer).__name__ in layers for layer in cache.layers)
