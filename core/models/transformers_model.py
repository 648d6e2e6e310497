"""Any Hugging Face causal language model behind the contract of ``base``.

Must never choose a token: it runs the model that transformers loaded, and keeps its cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from core.models.cache_facts import context_size_of
from core.token_ids import configured_token_ids

UNLIMITED_CONTEXT = 2**30
"""The context of a model whose configuration names no limit."""

_SCORED_AT_ONCE = 64
"""How many rows of logits there are at once: a row of gpt2-xl's has 0.2 MB."""


class TransformersModel:
    """Wraps a ``PreTrainedModel`` in evaluation mode; see ``CausalModel``.

    Raises:
        PlaygroundError: Its configuration names token ids that are none.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        model.train(False)
        self._model = model
        self._text_config: Any = model.config.get_text_config()
        self._cache = DynamicCache(config=model.config)
        self._rows: list[list[int]] = [[]]
        _ = self.eos_token_ids, self.bos_token_id  # a wrong one is told before a run

    @property
    def module(self) -> PreTrainedModel:
        """The model itself."""
        return self._model

    @property
    def device(self) -> torch.device:
        """See ``CausalModel``."""
        return self._model.device

    @property
    def context_size(self) -> int:
        """See ``CausalModel``."""
        return context_size_of(self._text_config) or UNLIMITED_CONTEXT

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
        logits = self._forward([list(token_ids)])
        self._rows[0].extend(token_ids)
        return logits

    def decode(self, token_ids: Sequence[int]) -> torch.Tensor:
        """See ``CausalModel``."""
        logits = self._forward([[token_id] for token_id in token_ids])
        for row, token_id in zip(self._rows, token_ids, strict=True):
            row.append(token_id)
        return logits

    def reorder(self, parents: Sequence[int]) -> None:
        """See ``CausalModel``."""
        if list(parents) != list(range(len(self._rows))):
            self._cache.reorder_cache(
                cast("torch.LongTensor", torch.tensor(parents, device=self.device))
            )
        self._rows = [list(self._rows[parent]) for parent in parents]

    def rewind(self, length: int, row: int = 0) -> int:
        """See ``CausalModel``; a cache with sliding windows or recurrent states starts anew."""
        self.reorder([row])
        surplus = len(self._rows[0]) - length
        if surplus == 0:
            return length
        if length == 0 or not all(type(layer) is DynamicLayer for layer in self._cache.layers):
            self._cache = DynamicCache(config=self._model.config)
            self._rows = [[]]
            return 0
        self._cache.crop(-surplus)
        del self._rows[0][length:]
        return length

    def all_logits(self, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
        """Yield the logits after each of ``token_ids``, in pieces of shape (n, vocabulary).

        They are float32. The text is read anew, beside the rows, which stay as they are.
        """
        cache = DynamicCache(config=self._model.config)
        for start in range(0, len(token_ids), _SCORED_AT_ONCE):
            inputs = torch.tensor([token_ids[start : start + _SCORED_AT_ONCE]], device=self.device)
            with torch.inference_mode():
                outputs = self._model(input_ids=inputs, past_key_values=cache, use_cache=True)
            yield outputs.logits[0].float()

    @torch.inference_mode()
    def _forward(self, token_ids: list[list[int]]) -> torch.Tensor:
        inputs = torch.tensor(token_ids, device=self.device)
        outputs = self._model(
            input_ids=inputs,
            past_key_values=self._cache,
            use_cache=True,
            return_dict=True,
            logits_to_keep=1,
        )
        return cast("torch.Tensor", outputs.logits[:, -1].float())
