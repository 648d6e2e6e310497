"""A decoding step recorded once as a CUDA graph, and replayed: one launch instead of hundreds.

Must never replay a graph over tensors that have moved: a cache that grew, or other rows, mean a new
recording. How it is recorded can be replaced, so that all but the recording runs without a GPU.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import torch

from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.forward import blocks, head
from core.models.gpt2.weights import Gpt2Weights

Step = Callable[[], torch.Tensor]
Capture = Callable[[Step], Step]
"""Records a step; returns what replays it and hands out the same tensor each time."""


def capture_on_gpu(step: Step) -> Step:
    """Record ``step`` as a CUDA graph; see PyTorch's notes on CUDA semantics.

    Raises:
        RuntimeError: CUDA cannot record it.
    """
    main = torch.cuda.current_stream()
    stream = _stream_beside(main)
    # Libraries set themselves up and kernels are compiled when first used, which cannot be
    # recorded.
    stream.wait_stream(main)
    with torch.cuda.stream(stream):
        for _ in range(2):
            step()
    main.wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    # The outer one, since torch does not leave its stream where a recording fails; and another
    # thread may throw dice on the GPU meanwhile.
    with (
        torch.cuda.stream(stream),
        torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"),
    ):
        result = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return result

    return replay


@cache
def _stream_beside(main: torch.cuda.Stream) -> torch.cuda.Stream:
    """Return the stream on which steps are recorded that run on ``main``: always the same one.

    cuBLAS keeps a workspace of some megabytes for each stream that it was ever used on.
    """
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


class StaticLook:
    """What a recorded step sees of the cache: all its positions, those ahead masked.

    ``store`` is the cache's. ``position``, shape (1,), and ``slots``, shape (rows, capacity), both
    int64, are written before each replay; ``positions``, shape (1, capacity), counts from 0.
    """

    def __init__(self, cache: KeyValueCache) -> None:
        device = cache.store.device
        self.store, self.rows = cache.store, cache.rows
        self.position = torch.zeros(1, dtype=torch.int64, device=device)
        self.slots = torch.zeros((cache.rows, cache.capacity), dtype=torch.int64, device=device)
        self.positions = torch.arange(cache.capacity, device=device)[None]
        self.mask: torch.Tensor | None = None
        self._own = torch.arange(cache.rows, device=device)[:, None]

    def begin(self) -> None:
        """Mask what lies ahead of the position, and look at the new tokens' own slots there."""
        self.mask = self.positions <= self.position
        self.slots.index_copy_(1, self.position, self._own)

    def put_and_see(self, layer: int, which: int, new: torch.Tensor) -> torch.Tensor:
        """See ``gpt2_forward.Look``."""
        store = self.store[layer, which]
        fresh = new[:, :, 0].transpose(0, 1)[:, None]
        store[:, :, : self.rows].index_copy_(1, self.position, fresh.to(store.dtype))
        if self.rows == 1:
            return store[None, :, :, 0]
        return store[:, self.positions, self.slots].transpose(0, 1)


Layers = Callable[[torch.Tensor, StaticLook], torch.Tensor]
"""From what a token of each row embeds to, shape (rows, embedding), to the logits."""


def plain_layers(weights: Gpt2Weights, config: Gpt2Config) -> Layers:
    """Return the layers as torch runs them, kernel by kernel."""

    def layers(hidden: torch.Tensor, look: StaticLook) -> torch.Tensor:
        return head(weights, blocks(weights, config, hidden[:, None], look)[:, -1])

    return layers


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A step for ``rows`` in ``store``, with the tensors that it reads.

    ``tokens`` has shape (rows,), int64; ``position`` and ``slots`` are those of ``StaticLook``. The
    cache alone keeps the store in memory.
    """

    store: weakref.ref[torch.Tensor]
    rows: int
    tokens: torch.Tensor
    position: torch.Tensor
    slots: torch.Tensor
    replay: Step

    def is_of(self, cache: KeyValueCache) -> bool:
        """Whether it was recorded for what ``cache`` is now."""
        return self.store() is cache.store and self.rows == cache.rows


class GraphedDecode:
    """Decodes one token a row by replaying a recorded step.

    It keeps a recording for one row, and the last one for several.
    """

    def __init__(self, weights: Gpt2Weights, layers: Layers, capture: Capture) -> None:
        self._weights, self._layers, self._capture = weights, layers, capture
        self._recorded: dict[bool, _Recorded] = {}

    def forget(self) -> None:
        """Give back what was recorded; the next steps are recorded anew."""
        self._recorded.clear()

    @torch.inference_mode()
    def decode(self, cache: KeyValueCache, token_ids: Sequence[int] | torch.Tensor) -> torch.Tensor:
        """Put one token into each row's slot, where the cache has room.

        Tokens that stand on the device already, shape (rows,), int64, are not waited for.

        Returns:
            The logits, shape (rows, vocabulary), float32.

        Raises:
            RuntimeError: The step cannot be recorded; the cache is as it was.
        """
        is_alone = cache.rows == 1
        recorded = self._recorded.get(is_alone)
        if recorded is None or not recorded.is_of(cache):
            recorded = None
            self._recorded.pop(is_alone, None)  # its memory is free for the next one
            with _on(cache.store.device):
                recorded = self._recorded[is_alone] = self._record(cache)
        recorded.tokens.copy_(torch.as_tensor(token_ids))
        recorded.position.fill_(cache.length)
        if not is_alone:
            recorded.slots.copy_(cache.table)
        return recorded.replay()

    def _record(self, cache: KeyValueCache) -> _Recorded:
        tokens = torch.zeros(cache.rows, dtype=torch.int64, device=cache.store.device)
        look = StaticLook(cache)
        weights, layers = self._weights, self._layers

        def step() -> torch.Tensor:
            look.begin()
            hidden = weights.tokens[tokens].to(weights.vector_dtype)
            return layers(hidden + weights.positions[look.position], look)

        look.position.fill_(cache.length)
        replay = self._capture(step)
        store = weakref.ref(cache.store)
        return _Recorded(store, cache.rows, tokens, look.position, look.slots, replay)


def _on(device: torch.device) -> AbstractContextManager[object]:
    """Make ``device`` the one that streams and graphs belong to."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
