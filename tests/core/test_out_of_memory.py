"""Memory that runs out in the middle of a run: one sentence, and a model that goes on working."""

from __future__ import annotations

import pytest
import torch

from core.backends.base import Request
from core.backends.local import LocalBackend
from core.errors import PlaygroundError
from core.models.transformers_model import TransformersModel
from core.settings import Settings
from core.steps import TokenStep
from tests.reference import tiny_gpt2

REQUEST = Request("Once upon a time", Settings(max_new_tokens=6))
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


def run(backend):
    return [e.token.token_id for e in backend.generate(REQUEST, bool) if isinstance(e, TokenStep)]


def broken_after(backend, monkeypatch, steps, error):
    model = backend._loaded.model
    decode, calls = model.decode, []

    def failing(token_ids):
        calls.append(token_ids)
        if len(calls) == steps:
            raise error
        return decode(token_ids)

    monkeypatch.setattr(type(model), "decode", lambda self, token_ids: failing(token_ids))


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_it_is_told_in_one_sentence_and_the_tokens_stay(backend, monkeypatch, error):
    whole = run(backend)
    seen = []
    with monkeypatch.context() as patched:
        broken_after(backend, patched, 3, error)
        with pytest.raises(PlaygroundError, match="cpu ran out of memory after 3 steps; use fewer"):
            seen.extend(backend.generate(REQUEST, bool))

    assert [event.token.token_id for event in seen[1:]] == whole[:3]
    assert run(backend) == whole


def test_other_faults_are_not_hidden(backend, monkeypatch):
    broken_after(backend, monkeypatch, 1, RuntimeError("shape mismatch"))

    with pytest.raises(RuntimeError, match="shape mismatch"):
        run(backend)


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
