"""The benchmark compares like with like, and its tables say what was measured."""

from __future__ import annotations

import asyncio

from benchmarks.app_run import Lent, run_in_app
from benchmarks.journal import opening_seconds, run_paced, with_a_journal
from benchmarks.tables import report
from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import TokenStep


def _tokens(events) -> list[int]:
    return [event.token.token_id for event in events if isinstance(event, TokenStep)]


def test_the_app_of_the_benchmark_runs_the_same_tokens_on_the_backend_it_is_lent():
    backend = LocalBackend("demo", device="cpu")
    info = backend.load(lambda stage, share=None: None)
    context = (32, 890, 890, 640, 84, 11, 220)
    settings = Settings(max_new_tokens=20)
    alone = _tokens(backend.generate(Request("", settings, context), lambda: False))
    shown = _tokens(asyncio.run(run_in_app(Lent(backend, info, context), "", settings)).steps)
    assert shown == alone
    # What was lent is still there.
    assert _tokens(backend.generate(Request("", settings, context), lambda: False)) == alone


def results(model):
    facts = {"device": "processor", "machine": "m", "torch": "2", "bandwidth": 2e10}
    return {**facts, "models": [model]}


def test_the_tables_tell_the_share_that_the_app_keeps_and_who_is_left_out():
    rates = {"gpt2-playground": [100.0], "its model alone": [110.0], "generate()": [50.0]}
    model = {
        "model": "demo",
        "dtype": "int8",
        "stored_dtype": "bfloat16",
        "engine": "fast",
        "weight_bytes": 10**8,
        "rates": {"greedy": {**rates, "its app": [92.0]}, "5 beams": rates},
        "accepted": {},
        "left_out": ["llama.cpp: llama_cpp and gguf not installed"],
        "by_context": {"100": [100.0], "1000": [80.0]},
        "fresh": {},
    }
    told = report(results(model))
    assert "**demo, int8** (fast; generate() in bfloat16)" in told
    assert "- the app keeps 92% (greedy)\n" in told
    assert "| its app | 92.0 (92.0–92.0) | – |" in told
    assert "- left out: llama.cpp: llama_cpp and gguf not installed" in told
    assert "- top five, entropy, records and text: 9.1% of a step" in told
    assert "assistant" not in told
    model["accepted"] = {"greedy": 0.956}
    model["rates"]["greedy"] = {
        **rates,
        "gpt2-playground": [200.0],
        "without its assistant": [99.0],
    }
    told = report(results(model))
    assert "- guesses of the assistant that came true: 96% (greedy)" in told
    assert "- top five, entropy, records and text: 10.0% of a step" in told


def test_the_journal_is_measured_by_steps_that_it_writes(tmp_path):
    request = Request("Once", Settings(max_new_tokens=8))
    events = list(ScriptedBackend().generate(request, lambda: False))
    told = []
    assert run_paced(events, 10_000, told.append).rate > 0
    assert len(told) == len(events)
    assert with_a_journal(events, 10_000, tmp_path).rate > 0
    (file,) = tmp_path.iterdir()
    assert file.read_bytes().count(b'"type":"step"') == 8
    assert opening_seconds(events, 20, tmp_path / "opened.jsonl") > 0
