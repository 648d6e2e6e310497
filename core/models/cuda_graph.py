"""A decoding step recorded once as a CUDA graph, and replayed: one launch instead of hundreds.

Must never keep a graph over tensors that have moved: a cache that grew, or other rows, mean a new
recording. How it is recorded can be replaced, so that all but the recording runs without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from core.models.gpt2_cache import KeyValueCache
from core.models.gpt2_config import Gpt2Config
from core.models.gpt2_forward import blocks, head
from core.models.gpt2_weights import Gpt2Weights

Step = Callable[[], torch.Tensor]
Capture = Callable[[Step], Step]
"""Records a step; returns what replays it and hands out the same tensor each time."""


def capture_on_gpu(step: Step) -> Step:
    """Record ``step`` as a CUDA graph; see PyTorch's notes on CUDA semantics.

    Raises:
        RuntimeError: CUDA cannot record it.
    """
    # Libraries set themselves up when first used, which cannot be recorded.
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return result

    return replay


class GraphedDecode:
    """Decodes one token a row by replaying a recorded step."""

    def __init__(self, weights: Gpt2Weights, config: Gpt2Config, capture: Capture) -> None:
        self._weights, self._config, self._capture = weights, config, capture
        self._recorded_for: tuple[int, int] | None = None

    @torch.inference_mode()
    def decode(self, cache: KeyValueCache, token_ids: Sequence[int]) -> torch.Tensor:
        """Put one token into each row's slot; return the logits, shape (rows, vocabulary).

        Raises:
            RuntimeError: The step cannot be recorded; the cache is as it was.
        """
        if self._recorded_for != (cache.store.data_ptr(), cache.rows):
            self._record(cache)
        look = self._look
        self._tokens.copy_(torch.tensor(token_ids)[:, None])
        look.position.fill_(cache.length)
        if cache.rows > 1:
            look.slots.copy_(cache.table)
        return self._replay()

    def _record(self, cache: KeyValueCache) -> None:
        self._recorded_for = None
        device = cache.store.device
        self._tokens = torch.zeros((cache.rows, 1), dtype=torch.int64, device=device)
        self._look = look = _StaticLook(cache)
        weights, config = self._weights, self._config

        def step() -> torch.Tensor:
            look.begin()
            hidden = weights.tokens[self._tokens].to(weights.vector_dtype)
            hidden = hidden + weights.positions[look.position]
            return head(weights, blocks(weights, config, hidden, look)[:, -1])

        look.position.fill_(cache.length)
        self._replay = self._capture(step)
        self._recorded_for = (cache.store.data_ptr(), cache.rows)


class _StaticLook:
    """What a recorded step sees of the cache: all its positions, those ahead masked."""

    def __init__(self, cache: KeyValueCache) -> None:
        device = cache.store.device
        self._store, self._rows = cache.store, cache.rows
        self.position = torch.zeros(1, dtype=torch.int64, device=device)
        self.slots = torch.zeros((cache.rows, cache.capacity), dtype=torch.int64, device=device)
        self._own = torch.arange(cache.rows, device=device)[:, None]
        self._positions = torch.arange(cache.capacity, device=device)[None]
        self.mask: torch.Tensor | None = None

    def begin(self) -> None:
        """Mask what lies ahead of the position, and look at the new tokens' own slots there."""
        self.mask = self._positions <= self.position
        self.slots.index_copy_(1, self.position, self._own)

    def put_and_see(self, layer: int, which: int, new: torch.Tensor) -> torch.Tensor:
        """See ``gpt2_forward.Look``."""
        store = self._store[layer, which]
        fresh = new[:, :, 0].transpose(0, 1)[:, None]
        store[:, :, : self._rows].index_copy_(1, self.position, fresh)
        if self._rows == 1:
            return store[None, :, :, 0]
        return store[:, self._positions, self.slots].transpose(0, 1)
