"""Memory that runs out in the middle of a run: one sentence, and a model that goes on working."""

from __future__ import annotations

import pytest
import torch

from core.backends.base import Request
from core.backends.local import LocalBackend
from core.errors import PlaygroundError
from core.models.native_build import native_library
from core.models.transformers_model import TransformersModel
from core.settings import Settings
from core.steps import TokenStep
from tests.reference import tiny_gpt2

SAMPLING = Settings(max_new_tokens=6, do_sample=True, seed=1)
GREEDY = Settings(max_new_tokens=6)
NEEDS_KERNEL = pytest.mark.skipif(native_library()[0] is None, reason=native_library()[1] or "-")
WAYS = [(SAMPLING, "decode", 3), pytest.param(GREEDY, "run_on", 4, marks=NEEDS_KERNEL)]
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
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
