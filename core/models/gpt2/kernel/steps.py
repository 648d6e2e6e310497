"""The native kernel from Python: one call for a decoding step of all layers.

Must never keep a pointer longer than the tensor that it points into.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_double, c_float, c_int32, c_int64, c_void_p
from dataclasses import fields
from functools import cache

import torch

from core.models.gpt2.cache import KeyValueCache
from core.models.gpt2.config import Gpt2Config
from core.models.gpt2.kernel.build import native_library
from core.models.gpt2.weights import MATRICES, Gpt2Weights, LayerWeights

_ACTIVATIONS = {"gelu_new": 0, "gelu_pytorch_tanh": 0, "gelu": 1, "relu": 2}
"""By number as in vectors.h."""

_FORMATS = {torch.float32: 0, torch.bfloat16: 1, torch.int8: 2}
"""By number as in vectors.h."""

_SHORT_STEP_BYTES = 64 * 2**20
"""A step over fewer weights than this keeps Python's lock: giving it away costs more."""

_PATIENCE = 1_000_000
"""Nanoseconds after a short step for which its threads stay awake: to wake one takes 50 µs, a
quarter of such a step. After a long one they sleep, and leave the processors to others."""

_NO_MEMORY = "the native kernel found no memory for this step"


class _Matrix(Structure):
    _fields_ = (("at", c_void_p), ("scale", c_void_p))


class _Layer(Structure):
    _fields_ = (
        *[(name, c_void_p) for name in ("ln_1_weight", "ln_1_bias", "qkv_bias", "projection_bias")],
        *[(name, c_void_p) for name in ("ln_2_weight", "ln_2_bias", "up_bias", "down_bias")],
        *[(name, _Matrix) for name in MATRICES],
        ("attention_scale", c_float),
    )


class _Weights(Structure):
    _fields_ = (
        *[(name, c_int32) for name in ("layers", "heads", "embedding", "inner", "vocabulary")],
        *[(name, c_int32) for name in ("format", "cache_format", "activation", "threads")],
        *[(name, c_int32) for name in ("uses_tiles", "patience")],
        ("epsilon", c_float),
        ("layer", POINTER(_Layer)),
        *[(name, c_void_p) for name in ("positions", "ln_f_weight", "ln_f_bias")],
        *[(name, _Matrix) for name in ("tokens", "head")],
    )


class _Step(Structure):
    _fields_ = (
        *[(name, c_int32) for name in ("lanes", "first_logits", "capacity", "slots")],
        ("table_stride", c_int64),
        *[(name, c_void_p) for name in ("token", "position", "slot", "table", "cache", "logits")],
    )


@cache
def open_library(*, keeps_lock: bool = False) -> ctypes.CDLL | None:
    """Return the kernel with its functions declared, or ``None`` where there is none.

    With ``keeps_lock`` other threads of Python stand still during a call.
    """
    path, _ = native_library()
    if path is None:
        return None
    library = ctypes.PyDLL(str(path)) if keeps_lock else ctypes.CDLL(str(path))
    library.gpt2_open.argtypes = [POINTER(_Weights)]
    library.gpt2_open.restype = c_void_p
    library.gpt2_step.argtypes = [c_void_p, POINTER(_Step)]
    library.gpt2_run_on.argtypes = [c_void_p, POINTER(_Step), c_int32, c_void_p]
    library.gpt2_close.argtypes = [c_void_p]
    library.gpt2_close.restype = None
    library.may_use_tiles.argtypes = []
    library.rows_figures.argtypes = [c_void_p, c_int64, c_int64, c_int64, c_int32]
    library.rows_figures.argtypes += [c_void_p, c_void_p, c_void_p]
    library.cut_nucleus.argtypes = [c_void_p, c_int64, c_float, c_double, c_double, c_int64]
    library.cut_nucleus.argtypes += [c_void_p, c_void_p]
    library.cut_nucleus.restype = c_float
    library.race.argtypes = [c_void_p, c_int64, c_float, c_void_p, c_int64]
    library.race.restype = c_int64
    return library


@cache
def has_tiles() -> bool:
    """Whether the kernel may use the processor's matrix tiles; the system is asked for them."""
    library = open_library()
    return library is not None and bool(library.may_use_tiles())


class NativeStep:
    """Runs steps of one model; made only where ``why_not`` has nothing against it.

    Its caches hold ``cache_dtype``; without it, what suits the weights.
    """

    def __init__(
        self,
        weights: Gpt2Weights,
        config: Gpt2Config,
        *,
        cache_dtype: torch.dtype | None = None,
        threads: int | None = None,
    ) -> None:
        self.step_bytes = weights.parameters * weights.tokens.element_size()
        """How many bytes of weights a step reads."""
        self.is_short = self.step_bytes < _SHORT_STEP_BYTES
        library, letting_go = open_library(keeps_lock=self.is_short), open_library()
        if library is None or letting_go is None:
            raise RuntimeError("ask why_not first")
        self._run, self._run_on = library.gpt2_step, letting_go.gpt2_run_on
        self._weights = weights
        self._layers = (_Layer * config.n_layer)(
            *[
                _layer(layer, scale)
                for layer, scale in zip(weights.layers, config.attention_scales, strict=True)
            ]
        )
        self.uses_tiles = weights.tokens.dtype != torch.float32 and has_tiles()
        described = _Weights(
            layers=config.n_layer,
            heads=config.n_head,
            embedding=config.n_embd,
            inner=config.n_inner,
            vocabulary=config.vocab_size,
            format=_FORMATS[weights.tokens.dtype],
            cache_format=_FORMATS[cache_dtype or weights.cache_dtype],
            activation=_ACTIVATIONS[config.activation_function],
            threads=threads or torch.get_num_threads(),
            uses_tiles=self.uses_tiles,
            patience=_PATIENCE if self.is_short else 0,
            epsilon=config.layer_norm_epsilon,
            layer=self._layers,
            positions=weights.positions.data_ptr(),
            ln_f_weight=weights.ln_f_weight.data_ptr(),
            ln_f_bias=weights.ln_f_bias.data_ptr(),
            tokens=_matrix(weights.tokens, weights.tokens_scale),
            head=_matrix(weights.head, weights.head_scale),
        )
        self._engine = library.gpt2_open(ctypes.byref(described))
        if not self._engine:
            raise MemoryError("the native kernel found no memory or threads")
        weakref.finalize(self, library.gpt2_close, self._engine)
        self._vocabulary = config.vocab_size
        self._logits = torch.empty((1, config.vocab_size), dtype=torch.float32)
        self._lanes = _Lanes(1, first_logits=0)

    @staticmethod
    def why_not(device: torch.device, dtype: torch.dtype, config: Gpt2Config) -> str:
        """Return why the kernel cannot run such a model; empty where it can."""
        if device.type != "cpu":
            return "the model is not on the processor"
        if dtype not in _FORMATS:
            return f"it has no {str(dtype).removeprefix('torch.')}"
        if config.activation_function not in _ACTIVATIONS:
            return f"it has no {config.activation_function}"
        return native_library()[1]

    def prefill(
        self, cache: KeyValueCache, token_ids: Sequence[int], *, wants_all: bool = False
    ) -> torch.Tensor:
        """Append ``token_ids`` to the only row, where the cache has room.

        Returns:
            The logits after the last of them, or with ``wants_all`` after each; shape (n,
            vocabulary), float32.
        """
        count = len(token_ids)
        lanes = _Lanes(count, first_logits=0 if wants_all else count - 1)
        lanes.position[:] = list(range(cache.length, cache.length + count))
        return self._step(cache, token_ids, lanes)

    def decode(self, cache: KeyValueCache, token_ids: Sequence[int]) -> torch.Tensor:
        """Append one token to each row, where the cache has room; return the logits."""
        rows = len(token_ids)
        if self._lanes.count != rows:
            self._lanes = _Lanes(rows, first_logits=0)
            self._lanes.slot[:] = list(range(rows))
        self._lanes.position[:] = [cache.length] * rows
        return self._step(cache, token_ids, self._lanes)

    def run_on(
        self, cache: KeyValueCache, token_id: int, count: int
    ) -> tuple[torch.Tensor, list[int]]:
        """Append ``token_id`` and ``count`` likeliest tokens to the only row; see ``RunsOn``."""
        lanes = _Lanes(1, first_logits=0)
        lanes.position[0] = cache.length
        chosen = (c_int64 * (count + 1))()
        step = self._filled_in(cache, (token_id,), lanes, count + 1)
        if self._run_on(self._engine, ctypes.byref(step), count + 1, chosen):
            raise MemoryError(_NO_MEMORY)
        cache.length += count + 1
        return self._logits[: count + 1], list(chosen)[:count]

    def _step(self, cache: KeyValueCache, token_ids: Sequence[int], lanes: _Lanes) -> torch.Tensor:
        wanted = lanes.count - lanes.step.first_logits
        step = self._filled_in(cache, token_ids, lanes, wanted)
        if self._run(self._engine, ctypes.byref(step)):
            raise MemoryError(_NO_MEMORY)
        cache.length += lanes.count if cache.rows == 1 else 1
        return self._logits[:wanted]

    def _filled_in(
        self, cache: KeyValueCache, token_ids: Sequence[int], lanes: _Lanes, wanted: int
    ) -> _Step:
        """Return the arguments of a step that writes ``wanted`` rows of logits."""
        if wanted > len(self._logits):
            self._logits = torch.empty((wanted, self._vocabulary), dtype=torch.float32)
        lanes.token[:] = list(token_ids)
        step = lanes.step
        step.capacity, step.slots = cache.capacity, cache.slots
        # A prompt's tokens all look where the only row does.
        step.table_stride = cache.table.stride(0) if cache.rows > 1 else 0
        step.table, step.cache = cache.table.data_ptr(), cache.store.data_ptr()
        step.logits = self._logits.data_ptr()
        return step


class _Lanes:
    """The arguments of a step of ``count`` lanes, to be filled in again for each step."""

    def __init__(self, count: int, first_logits: int) -> None:
        self.count = count
        self.token = (c_int64 * count)()
        self.position = (c_int32 * count)()
        self.slot = (c_int32 * count)()
        self.step = _Step(
            lanes=count,
            first_logits=first_logits,
            token=ctypes.addressof(self.token),
            position=ctypes.addressof(self.position),
            slot=ctypes.addressof(self.slot),
        )


def _layer(layer: LayerWeights, scale: float) -> _Layer:
    matrices = {
        name: _matrix(getattr(layer, name), getattr(layer, f"{name}_scale")) for name in MATRICES
    }
    vectors = {
        field.name: getattr(layer, field.name).data_ptr()
        for field in fields(layer)
        if field.name not in matrices and not field.name.endswith("_scale")
    }
    return _Layer(attention_scale=scale, **vectors, **matrices)


def _matrix(matrix: torch.Tensor, scale: torch.Tensor | None) -> _Matrix:
    return _Matrix(matrix.data_ptr(), None if scale is None else scale.data_ptr())
