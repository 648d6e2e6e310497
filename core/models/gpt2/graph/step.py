"""A GPU's decoding step, made ready before the first run: compiled and recorded, as far as it goes.

Must never stop a model from running: what cannot be compiled is recorded, what cannot be recorded
is left to plain torch, and a phrase says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.models.gpt2.cache import FIRST_POSITIONS, KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.graph.compiled import compiled_layers
from core.models.gpt2.graph.recording import Capture, GraphedDecode, Layers, plain_layers
from core.models.gpt2.weights import Gpt2Weights


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """The step, ``None`` where there is none, the cache that it belongs to, and what to call it."""

    graph: GraphedDecode | None
    cache: KeyValueCache
    kernel: str


def recorded_step(
    weights: Gpt2Weights,
    config: Gpt2Config,
    capture: Capture,
    report: Callable[[str], None],
    *,
    is_compiled: bool,
) -> RecordedStep:
    """Record a step now, so that what fails is known before the first run.

    ``report`` is told what is being prepared.
    """
    word = ""
    if is_compiled:
        report("compiling the decoding step")
        try:
            graph, cache = _compiled(weights, config, capture)
        except Exception as error:
            # Compilers of their own kind take part, and any of them may be missing or broken.
            word = f", not compiled: {reason_of(error)}"
        else:
            return RecordedStep(graph, cache, "CUDA graph, compiled")
    report("recording the decoding step")
    try:
        graph, cache = _recorded(weights, config, capture, plain_layers(weights, config))
    except RuntimeError as error:
        cache = _cache(weights, config)
        return RecordedStep(None, cache, f"torch (no CUDA graph: {reason_of(error)})")
    return RecordedStep(graph, cache, f"CUDA graph{word}")


def reason_of(error: Exception) -> str:
    """Return the beginning of an error's first line, for the status line."""
    return (str(error).strip().splitlines() or ["no reason given"])[0][:100]


def _recorded(
    weights: Gpt2Weights,
    config: Gpt2Config,
    capture: Capture,
    layers: Layers,
    alone: int = FIRST_POSITIONS,
) -> tuple[GraphedDecode, KeyValueCache]:
    cache = _cache(weights, config, alone)
    cache.make_room(1)
    graph = GraphedDecode(weights, layers, capture)
    graph.decode(cache, [0])
    return graph, cache


def _compiled(
    weights: Gpt2Weights, config: Gpt2Config, capture: Capture
) -> tuple[GraphedDecode, KeyValueCache]:
    """Return a recorded step that is compiled, and have the step of several rows compiled."""
    layers = compiled_layers(weights, config)
    # One row has room for all positions from the start: kernels of one shape are the quickest.
    # Several would take too much, and their number changes: their kernels serve any shape.
    graph, cache = _recorded(weights, config, capture, layers, config.n_positions)
    several = _cache(weights, config)
    several.reorder([0, 0])
    GraphedDecode(weights, layers, lambda step: step).decode(several, [0, 0])
    return graph, cache


def _cache(
    weights: Gpt2Weights,
    config: Gpt2Config,
    alone: int = FIRST_POSITIONS,
) -> KeyValueCache:
    device, dtype = weights.tokens.device, weights.cache_dtype
    return KeyValueCache(config, device, dtype, alone, is_recorded=True)
