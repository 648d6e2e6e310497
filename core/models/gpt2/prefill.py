"""How a GPT-2 reads texts: by the native kernel or by torch, in pieces or as a run does.

Must never touch a cache that it was not given, nor choose a token.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import torch

from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.kernel.steps import NativeStep
from core.models.gpt2.torch_steps import TorchStep
from core.models.gpt2.weights import Gpt2Weights

_LONGEST_NATIVE_PROMPT = 24
"""Above this, torch's products are quicker than reading float32 weights once for eight tokens."""

_READ_AT_ONCE = 60
"""How many tokens of a prompt the kernel runs together: twice as many as its tiles hold in int8."""

_SCORED_AT_ONCE = 64
"""How many rows of logits there are at once: a row of gpt2-xl's has 0.2 MB."""


class Gpt2Reader:
    """Reads texts with the steps of one model, ``native`` where there is a kernel."""

    def __init__(
        self,
        weights: Gpt2Weights,
        config: Gpt2Config,
        native: NativeStep | None,
        torch_step: TorchStep,
    ) -> None:
        self._weights, self._config = weights, config
        self._native, self._torch = native, torch_step
        self._is_float = weights.tokens.dtype in (torch.float32, torch.float64)

    @property
    def is_rounded(self) -> bool:
        """See ``ReadsBySteps``; the kernel's lanes are alike to the bit but for matrix tiles."""
        return not self._is_float and (self._native is None or self._native.uses_tiles)

    def read(self, cache: KeyValueCache, token_ids: Sequence[int]) -> torch.Tensor:
        """Append ``token_ids`` to the only row; return the logits after the last of them.

        Keys and values of 16 bit are rounded: were they computed in another order than by steps,
        some would be rounded otherwise, and what is shown of a token would depend on how it was
        read. So the kernel reads long texts too, but for float32, where nobody sees that.
        """
        native = self._native
        if native and (not self._is_float or len(token_ids) <= _LONGEST_NATIVE_PROMPT):
            *_, logits = _natively(native, cache, token_ids, wants_all=False)
            return logits
        return self._torch.read(cache, [token_ids])

    def all_logits(self, token_ids: Sequence[int]) -> Iterator[torch.Tensor]:
        """Yield the logits after each token, in pieces; see ``AllLogits``."""
        cache = self._empty_cache()
        if self._native and not self._is_float:
            for piece in _natively(self._native, cache, token_ids, wants_all=True):
                yield piece.clone()  # the kernel writes the next one over it
            return
        for start in range(0, len(token_ids), _SCORED_AT_ONCE):
            yield self._torch.read_all(cache, token_ids[start : start + _SCORED_AT_ONCE])

    def by_steps(self, token_ids: Sequence[int], begin: int) -> Generator[torch.Tensor]:
        """Yield the logits that a run has; see ``ReadsBySteps``."""
        cache = self._empty_cache()
        yield self.read(cache, token_ids[:begin])
        for token_id in token_ids[begin:]:
            yield self.read(cache, [token_id])

    def _empty_cache(self) -> KeyValueCache:
        return KeyValueCache(self._config, self._weights.tokens.device, self._weights.cache_dtype)


def _natively(
    native: NativeStep, cache: KeyValueCache, token_ids: Sequence[int], *, wants_all: bool
) -> Iterator[torch.Tensor]:
    """Read tokens piece by piece; yield the logits of each piece before the next is read."""
    cache.make_room(len(token_ids))
    for start in range(0, len(token_ids), _READ_AT_ONCE):
        piece = token_ids[start : start + _READ_AT_ONCE]
        yield native.prefill(cache, piece, wants_all=wants_all)
