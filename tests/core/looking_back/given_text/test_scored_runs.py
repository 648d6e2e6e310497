"""Scoring a text between runs: the tokens that are generated afterwards stay the same."""

from __future__ import annotations

import pytest
import torch

from core.backends.local import LocalBackend
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished, TokenStep

TEXT = "There was a cat who lived in a naïve 世界. " * 4
PRESETS = (
    Preset("greedy", "", "", Settings()),
    Preset("nucleus", "", "", Settings(do_sample=True, top_p=0.9, top_k=0)),
)
SETTINGS = {
    "greedy": Settings(max_new_tokens=12),
    "sample": Settings(do_sample=True, top_k=0, max_new_tokens=12, seed=3),
    "beam": Settings(num_beams=3, max_new_tokens=8),
}


@pytest.fixture(scope="module")
def backend():
    backend = LocalBackend("demo", "cpu", "float32")
    backend.load(lambda stage, share=None: None)
    yield backend
    backend.close()


def generated(backend, request):
    events = list(backend.generate(request, lambda: False))
    steps = [one for one in events if isinstance(one, TokenStep | BeamStep)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    first = steps[-1]
    chances = first.token.logprob if isinstance(first, TokenStep) else first.hypotheses[0].score
    return events[0].context_token_ids + finished.token_ids, chances


@pytest.mark.parametrize("mode", SETTINGS)
def test_a_run_goes_on_as_if_nothing_had_been_scored(backend, mode):
    """Going on from a document that is in the cache, to the last bit of a probability."""

    def story(*, with_scoring):
        first, _ = generated(backend, Request("Once upon a time", SETTINGS[mode]))
        if with_scoring:
            scored = backend.score(TEXT, PRESETS, lambda: False)
            assert "".join(one.text for one in scored.tokens) == TEXT
        return generated(backend, Request(" and", SETTINGS[mode], first))

    assert story(with_scoring=True) == story(with_scoring=False)


def test_a_scoring_that_was_broken_off_changes_nothing_either(backend):
    first, _ = generated(backend, Request("Once upon a time", SETTINGS["sample"]))
    request = Request(" and", SETTINGS["sample"], first)
    expected = generated(backend, request)
    generated(backend, Request("Once upon a time", SETTINGS["sample"]))
    asked = iter([False] * 10 + [True] * 10)
    assert len(backend.score(TEXT, PRESETS, lambda: next(asked)).tokens) < 11
    assert generated(backend, request) == expected


def test_texts_that_cannot_be_scored(backend):
    for text, complaint in (("", "no text"), ("a " * 5000, "reads at most"), ("\ud800", "broken")):
        with pytest.raises(PlaygroundError, match=complaint):
            backend.score(text, (), lambda: False)


def test_without_a_model_it_is_told():
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        LocalBackend("demo").score("a", (), lambda: False)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate"),
    ],
)
def test_too_little_memory_is_told(backend, monkeypatch, error):
    def lacks(*_):
        raise error

    monkeypatch.setattr(backend._loaded.model, "all_logits", lacks)
    with pytest.raises(PlaygroundError, match="cpu ran out of memory; score a shorter part"):
        backend.score("a cat", (), lambda: False)


def test_another_fault_is_not_hidden(backend, monkeypatch):
    def breaks(*_):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(backend._loaded.model, "all_logits", breaks)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        backend.score("a cat", (), lambda: False)
