"""Memory that runs out in the middle of a run: one sentence, and a model that goes on working."""

from __future__ import annotations

import dataclasses
import errno
import weakref

import pytest
import torch

from core.backends.local import LocalBackend
from core.backends.out_of_memory import guarded
from core.decoding.engine import generate
from core.models.any.model import TransformersModel
from core.models.device.memory_errors import is_out_of_memory
from core.models.gpt2.kernel.build import native_library
from core.models.gpt2.model import Gpt2Model
from core.models.loading import load_model
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import EngineChanged, TokenStep
from tests.core.looking_back.recorded import CODEC
from tests.core.models.gpt2.test_gpt2 import random_module
from tests.reference import behind, tiny_gpt2

SAMPLING = Settings(max_new_tokens=6, do_sample=True, seed=1)
GREEDY = Settings(max_new_tokens=6)
NEEDS_KERNEL = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")
WAYS = [(SAMPLING, "decode", 3), pytest.param(GREEDY, "run_on", 4, marks=NEEDS_KERNEL)]
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]
SAID = [
    "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    "CUDA driver error: out of memory",
    "Triton Error [CUDA]: out of memory",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "HIP out of memory. Tried to allocate 2.00 GiB",
    "MPS backend out of memory (MPS allocated: 9.06 GB, other allocations: 384.00 KB)",
    "Invalid buffer size: 12.00 GiB",
    "cudaErrorMemoryAllocation",
    "std::bad_alloc",
    "unable to mmap 9 bytes from file </model.safetensors>: Cannot allocate memory (12)",
]


@pytest.fixture
def backend():
    backend = LocalBackend("demo", device="cpu")
    backend.load(lambda stage, share=None: None)
    return backend


def events_of(backend, chosen):
    return backend.generate(Request("Once upon a time", chosen), bool)


def run(backend, chosen):
    return [e.token.token_id for e in events_of(backend, chosen) if isinstance(e, TokenStep)]


def broken_after(backend, monkeypatch, name, calls, error):
    """Has what takes the model a step on break at its third, or whichever, call."""
    model = backend._loaded.model
    work, given = getattr(model, name), []

    def failing(*arguments):
        given.append(arguments)
        if len(given) == calls:
            raise error
        return work(*arguments)

    monkeypatch.setattr(type(model), name, lambda self, *arguments: failing(*arguments))


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("chosen", "name", "steps"), WAYS)
def test_it_is_told_in_one_sentence_and_the_tokens_stay(
    backend, monkeypatch, chosen, name, steps, error
):
    whole = run(backend, chosen)
    seen = []
    with monkeypatch.context() as patched:
        broken_after(backend, patched, name, 3, error)
        told = f"cpu ran out of memory after {steps} steps; use fewer"
        with pytest.raises(PlaygroundError, match=told):
            seen.extend(events_of(backend, chosen))

    assert [event.token.token_id for event in seen[1:]] == whole[:steps]
    assert run(backend, chosen) == whole


@pytest.mark.parametrize("text", SAID)
def test_what_libraries_say_of_it_is_known(text):
    assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(ValueError(text))


def test_other_errors_of_cuda_and_the_system_are_not_taken_for_it():
    for text in ("CUDA error: device-side assert triggered", "CUBLAS_STATUS_NOT_SUPPORTED", ""):
        assert not is_out_of_memory(RuntimeError(text))
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert not is_out_of_memory(OSError(errno.ENOENT, "No such file"))


class Budget:
    """Memory for caches of so many bytes, counted as long as anybody holds them."""

    def __init__(self, size):
        self.size, self.taken = size, 0

    def zeros(self, shape, **how):
        tensor = torch.empty(shape, **how).zero_()
        if self.taken + tensor.nbytes > self.size:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        self.taken += tensor.nbytes
        weakref.finalize(tensor, self.give_back, tensor.nbytes)
        return tensor

    def give_back(self, size):
        self.taken -= size


def stale(step):
    """A recording that, as CUDA's, holds nothing of what it works on."""
    result = step().clone()
    return lambda: result


def run_beams(model, beams, context):
    request = Request("", Settings(max_new_tokens=4, num_beams=beams), context)
    *_, finished = guarded(model, generate(model, CODEC, request, lambda: False))
    return finished


def test_fewer_beams_run_where_more_found_no_memory(monkeypatch):
    """Nothing of the failed run stays in memory, and the model need not be loaded again."""
    base = behind("torch", random_module(n_positions=400))
    row = 2 * 2 * 32 * 4 * 128  # bytes of the first positions
    budget = Budget(13 * row // 2)
    monkeypatch.setattr("core.models.gpt2.cache.torch.zeros", budget.zeros)
    model = Gpt2Model(base._weights, base._config, is_native=False, capture=stale)
    for _ in range(2):
        for beams in (5, 9, 4, 7, 2):
            if beams > 5:
                with pytest.raises(PlaygroundError, match="ran out of memory after 1 step;"):
                    run_beams(model, beams, (1, 2, 3))
                assert budget.taken < row
            else:
                assert run_beams(model, beams, (1, 2, 3)).reason == "length"
                assert budget.taken <= (beams + 1) * row + row // 2


def test_idle_beams_make_room_for_a_longer_text(monkeypatch):
    base = behind("torch", random_module(n_positions=400))
    row = 2 * 2 * 32 * 4 * 128
    budget = Budget(13 * row // 2)
    monkeypatch.setattr("core.models.gpt2.cache.torch.zeros", budget.zeros)
    model = Gpt2Model(base._weights, base._config, is_native=False, capture=stale)
    run_beams(model, 5, (1, 2, 3))
    model.rewind(0)
    model.prefill([1] * 200)
    model.decode([1])
    assert budget.taken <= 2 * row + row // 2


STAGES = [
    ("fast", "core.models.gpt2.checkpoint.read_weights"),
    ("fast", "core.models.loading._prepare_device"),
    ("fast", "core.models.gpt2.model.Gpt2Model.__init__"),
    ("fast", "core.models.gpt2.model.Gpt2Model.release_threads"),
    ("fast", "core.models.loading._loaded"),
    ("transformers", "core.models.any.loading.mapped_module"),
    ("transformers", "core.models.loading.TextCodec"),
    ("transformers", "core.models.loading.move_weights"),
    ("transformers", "core.models.any.model.TransformersModel.__init__"),
    ("transformers", "core.models.any.module_forward.ModuleForward.__call__"),
]


@pytest.mark.parametrize(("engine", "stage"), STAGES)
@pytest.mark.parametrize("error", FULL, ids=str)
def test_wherever_loading_runs_out_of_it(monkeypatch, engine, stage, error):
    called = []

    def fail(*arguments, **more):
        called.append(1)
        raise error

    monkeypatch.setattr(stage, fail)
    with pytest.raises(PlaygroundError, match=r"memory ran out while 'demo' was loaded; close"):
        load_model("demo", "cpu", "auto", lambda stage, share=None: None, engine)
    assert called


def test_a_step_that_can_be_recorded_no_more_is_told_in_the_middle_of_a_run(backend):
    """Plain torch goes on: the run is the same, and says from where on something else runs it."""
    whole = run(backend, SAMPLING)
    loaded, calls = backend._loaded, []

    def refuse_the_second(step):
        calls.append(step)
        if len(calls) == 2:
            raise RuntimeError("stream is capturing\nmore")
        return step

    base = loaded.model
    model = Gpt2Model(base._weights, base._config, is_native=False, capture=refuse_the_second)
    backend._loaded = dataclasses.replace(loaded, model=model)
    backend._engine_told = backend._loaded.engine
    assert backend._loaded.engine == "fast, CUDA graph"
    assert run(backend, SAMPLING) == whole
    beams = Settings(max_new_tokens=4, num_beams=3)
    kinds = [type(event).__name__ for event in events_of(backend, beams)]
    assert kinds == ["Started", "BeamStep", "EngineChanged", *["BeamStep"] * 3, "Finished"]
    assert backend._loaded.engine == "fast, torch (no CUDA graph: stream is capturing)"
    assert run(backend, SAMPLING) == whole
    assert not any(isinstance(one, EngineChanged) for one in events_of(backend, SAMPLING))


def test_other_faults_are_not_hidden(backend, monkeypatch):
    broken_after(backend, monkeypatch, "decode", 1, RuntimeError("shape mismatch"))

    with pytest.raises(RuntimeError, match="shape mismatch"):
        run(backend, SAMPLING)


def test_a_first_pass_that_breaks_off_leaves_nothing_in_the_cache(monkeypatch):
    """Its keys are there already, though no token counts as read."""
    module = tiny_gpt2(3)
    model, fresh = TransformersModel(module), TransformersModel(module)
    with monkeypatch.context() as patched:
        patched.setattr(module.lm_head, "forward", lambda hidden: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.prefill([1, 2, 3])
    assert model.rewind(0) == 0
    assert torch.equal(model.prefill([4, 5]), fresh.prefill([4, 5]))
