"""The assistant of a GPT-2: the same model in int8, which guesses what the model will say.

It looks at the model's own keys and values, so it reads no prompt and has no cache: what it writes
behind them is written over when its guesses are checked. Must never be asked for what is shown.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import psutil
import torch

from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.kernel.steps import NativeStep
from core.models.gpt2.weights import MATRICES, Gpt2Weights, MatrixRoom, round_rows

MOST_GUESSES = 5
"""With the token before them these are six lanes: the most that the kernel runs alike to the bit
with one."""

_LEAST_BYTES, _MOST_BYTES = 64 * 2**20, 2**30
"""Other models get an assistant only where one is asked for: a small one's time goes into Python's
own work, and a large one takes enough memory as it is."""

_GAIN = 0.9
"""An assistant pays where a token takes less than this share of its time without one."""


class Assistant:
    """Guesses tokens for the model of ``weights``, whose steps ``exact`` runs."""

    def __init__(self, exact: NativeStep, weights: Gpt2Weights, config: Gpt2Config) -> None:
        self._exact = exact
        self._rounded = NativeStep(rounded(weights), config, cache_dtype=weights.cache_dtype)

    def guess(self, cache: KeyValueCache, token_id: int) -> torch.Tensor:
        """Append a token to ``cache`` as the assistant sees it; see ``TakesGuesses``."""
        cache.make_room(1)
        return self._rounded.decode(cache, (token_id,))

    def check(self, cache: KeyValueCache, token_ids: Sequence[int]) -> torch.Tensor:
        """Append ``token_ids``, where guesses may have been; see ``TakesGuesses``."""
        cache.make_room(len(token_ids))
        return self._exact.prefill(cache, token_ids, wants_all=True)

    def pays(self, cache: KeyValueCache) -> bool:
        """Find out by an empty ``cache`` whether guesses make a token quicker on this machine."""
        token_ids = [0] * (MOST_GUESSES + 1)

        def alone() -> None:
            self.check(cache, token_ids[:1])
            cache.length = 0

        def together() -> None:
            for token_id in token_ids[1:]:
                self.guess(cache, token_id)
            cache.length = 0
            self.check(cache, token_ids)
            cache.length = 0

        plain, assisted = _seconds(alone), _seconds(together) / len(token_ids)
        return assisted < _GAIN * plain


def why_no_room(weights: Gpt2Weights, *, is_wanted: bool) -> str:
    """Return why a model of these weights should have no assistant; empty where it may.

    ``is_wanted`` says that somebody asked for one: then only memory counts.
    """
    needed, size = weights.parameters, weights.parameters * weights.tokens.itemsize
    if not is_wanted and not _LEAST_BYTES <= size <= _MOST_BYTES:
        return "the model is small" if size < _LEAST_BYTES else "the model is large"
    available = psutil.virtual_memory().available
    if available < needed:
        return f"it needs {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB are free"
    return ""


def rounded(weights: Gpt2Weights) -> Gpt2Weights:
    """Return ``weights`` with matrices in int8, as ``take_weights`` rounds them; vectors shared."""
    room = MatrixRoom(weights.parameters, len(weights.layers), torch.int8, weights.tokens.device)

    def matrix(exact: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        placed = room.take(*exact.shape)
        return placed, round_rows(exact, placed)

    tokens, tokens_scale = matrix(weights.tokens)
    layers = []
    for layer in weights.layers:
        changes = {}
        for name in MATRICES:
            changes[name], changes[f"{name}_scale"] = matrix(getattr(layer, name))
        layers.append(dataclasses.replace(layer, **changes))
    is_tied = weights.head is weights.tokens
    head, head_scale = (tokens, tokens_scale) if is_tied else matrix(weights.head)
    return dataclasses.replace(
        weights,
        tokens=tokens,
        tokens_scale=tokens_scale,
        layers=tuple(layers),
        head=head,
        head_scale=head_scale,
    )


def _seconds(work: Callable[[], None]) -> float:
    """Return how long ``work`` takes: the best of two, after one to warm up."""
    work()
    best = float("inf")
    for _ in range(2):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
