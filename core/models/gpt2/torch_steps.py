"""The steps of a GPT-2 by torch: long prompts on the processor, and everything on a GPU.

A decoding step is recorded as a graph where that is asked for. Must never stop because a recording
fails: plain torch then goes on, and ``kernel`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from core.models.device.memory_errors import is_out_of_memory
from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.forward import forward, head
from core.models.gpt2.graph.recording import Capture, GraphedDecode
from core.models.gpt2.graph.step import reason_of, recorded_step
from core.models.gpt2.weights import Gpt2Weights


class TorchStep:
    """Runs steps of one model; ``kernel`` says how, at first plainly for a ``reason``."""

    def __init__(self, weights: Gpt2Weights, config: Gpt2Config, reason: str) -> None:
        self.kernel = f"torch ({reason})"
        self._weights, self._config = weights, config
        self._device = weights.tokens.device
        self._threads = torch.get_num_threads()
        self._graph: GraphedDecode | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether a decoding step is a graph that has been recorded."""
        return self._graph is not None

    def record(
        self, capture: Capture, report: Callable[[str], None], *, is_compiled: bool
    ) -> KeyValueCache:
        """Record a decoding step, if it can be, and return the cache that it belongs to.

        ``report`` is told what is being prepared.
        """
        made = recorded_step(self._weights, self._config, capture, report, is_compiled=is_compiled)
        self._graph, self.kernel = made.graph, made.kernel
        return made.cache

    def forget(self) -> None:
        """Give back the memory of what was recorded; the next step is recorded anew."""
        if self._graph:
            self._graph.forget()

    def decode(self, cache: KeyValueCache, token_ids: Sequence[int] | torch.Tensor) -> torch.Tensor:
        """Append one token to each row; return the logits, shape (rows, vocabulary), float32."""
        if self._graph:
            cache.make_room(1)
            try:
                logits = self._graph.decode(cache, token_ids)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                self._graph = None
                self.kernel = f"torch (no CUDA graph: {reason_of(error)})"
            else:
                cache.append(1)
                return logits
        return self.read(cache, torch.as_tensor(token_ids, device=self._device)[:, None])

    def read(
        self, cache: KeyValueCache, token_ids: Sequence[Sequence[int]] | torch.Tensor
    ) -> torch.Tensor:
        """Append as many tokens to each row; return the logits after the last ones."""
        with torch.inference_mode(), self.all_threads():
            return head(self._weights, self._hidden(cache, token_ids)[:, -1])

    def read_all(self, cache: KeyValueCache, token_ids: Sequence[int]) -> torch.Tensor:
        """Append tokens to the only row; return the logits after each, shape (n, vocabulary)."""
        with torch.inference_mode(), self.all_threads():
            return head(self._weights, self._hidden(cache, [token_ids])[0])

    @contextmanager
    def all_threads(self) -> Iterator[None]:
        """Give torch the threads that it had when the model was made."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _hidden(
        self, cache: KeyValueCache, token_ids: Sequence[Sequence[int]] | torch.Tensor
    ) -> torch.Tensor:
        cache.make_room(len(token_ids[0]))
        inputs = torch.as_tensor(token_ids, device=self._device)
        return forward(self._weights, self._config, cache, inputs)
