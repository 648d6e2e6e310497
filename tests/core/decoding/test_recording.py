"""Raw logits kept as they were: to the bit, how many, and that keeping them changes nothing."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from core.backends.local import LocalBackend
from core.backends.worker import GenerationService
from core.decoding.engine import generate
from core.decoding.recording import record_step, recorded_logits
from core.decoding.weighing.processors import build_processors
from core.decoding.weighing.step import choose_sample, chosen_candidate, weigh
from core.looking_back.dice import Dice, explain_draw
from core.looking_back.explain import explain, look_up
from core.looking_back.logits_store import LogitsStore
from core.looking_back.other_settings.scrub import scrub
from core.looking_back.other_settings.sweep import Sweeper
from core.models.any.model import TransformersModel
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, TokenStep
from tests.core.looking_back.recorded import recorded, run_of
from tests.reference import byte_codec, tiny_gpt2

PROMPT = "A long long time ago, "
SAMPLING = Settings(max_new_tokens=25, do_sample=True, top_k=0, temperature=1.3, seed=3)


@pytest.mark.parametrize("size", [300, 49_152, 50_257])
@pytest.mark.parametrize("offset", [0.0, -80.0])
def test_logits_come_back_to_the_bit(size, offset):
    torch.manual_seed(size)
    logits = torch.randn(1, size) * 3 + offset
    logits[0, 17] = -torch.inf  # what a model rules out stays so
    step = record_step(logits, 7)
    assert torch.equal(recorded_logits(step), logits[0])
    assert step.size == 4 * size


@pytest.mark.parametrize(
    "mapping",
    [
        {"temperature": 1.5, "top_k": 0},
        {"temperature": 1.5, "top_k": 1000},
        {"temperature": 1.3, "top_k": 0, "top_p": 0.97},
        {"top_k": 0, "min_p": 1e-4, "repetition_penalty": 1.2},
        {"temperature": 1.5, "top_k": 0, "typical_p": 0.9},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [49_152, 50_257])
def test_what_is_explained_is_what_was_recorded_to_the_unit(size, mapping):
    """Ranks and counts of tokens far behind the likeliest are no estimates."""
    settings = Settings(do_sample=True, **mapping)
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(6, size, generator=generator) * 2.5 - 30
    processors = build_processors(settings, 3, (), torch.device("cpu"))
    context = [1, 2, 3]
    told, ranks = [], []
    for row in rows:
        weighed = weigh(row[None], torch.tensor([context]), processors, str, beams=False)
        token_id = choose_sample(weighed, generator)
        told.append((chosen_candidate(weighed, 0, token_id, str), weighed))
        context.append(token_id)
    run = run_of(rows, context[3:], settings, context=(1, 2, 3))
    for index, (token, weighed) in enumerate(told):
        explained = explain(run, index)
        assert explained.token.rank == token.rank
        assert explained.kept == weighed.distributions[0].kept
        scores = weighed.scores[0]
        assert explained.final_rank == 1 + int((scores > scores[token.token_id]).sum())
        if mapping["top_k"]:
            assert explained.kept == mapping["top_k"]
        ranks.append(token.rank)
        for place in (0, 500, 20_000):
            one = int(rows[index].argsort(descending=True)[place])
            assert look_up(run, index, one).rank == place + 1
    assert max(ranks) > 256


def test_recording_changes_nothing_that_it_is_given():
    logits = torch.randn(1, 1000)
    before = logits.clone()
    step = record_step(logits, 5)
    recorded_logits(step).zero_()
    assert torch.equal(logits, before)
    assert recorded_logits(step).any()


@pytest.mark.parametrize(
    "settings", [Settings(max_new_tokens=25), SAMPLING], ids=lambda one: one.mode
)
def test_looking_never_changes_the_output(demo, settings):
    """Peers draw another text as soon as somebody looks; here every look is between two steps."""
    plain = list(generate(demo.model, demo.codec, Request(PROMPT, settings), lambda: False))
    store = LogitsStore()
    request = Request(PROMPT, settings, recorder=store.recorder("run"))
    watched = []
    for event in generate(demo.model, demo.codec, request, lambda: False):
        watched.append(event)
        if isinstance(event, TokenStep):
            run = store.run("run")
            explain(run, event.index, SAMPLING.replace(temperature=0.2), rows=200)
            look_up(run, event.index, 5)
            explain_draw(run, event.index)
            Dice(run).times(event.index)
    assert watched[-1].token_ids == plain[-1].token_ids
    assert [one.token for one in watched[1:-1]] == [one.token for one in plain[1:-1]]
    assert [one.distribution for one in watched[1:-1]] == [one.distribution for one in plain[1:-1]]


def test_looking_from_another_thread_while_it_runs(demo):
    store = LogitsStore()
    done = threading.Event()
    looked = []

    def look():
        while not done.is_set():
            run = store.run("run")
            if run is not None and run.token_ids:
                looked.append(explain(run, len(run.token_ids) - 1).token.token_id)
                assert looked[-1] == run.token_ids[-1]

    thread = threading.Thread(target=look)
    thread.start()
    request = Request(PROMPT, SAMPLING, recorder=store.recorder("run"))
    *_, finished = generate(demo.model, demo.codec, request, lambda: False)
    done.set()
    thread.join(20)
    plain = list(generate(demo.model, demo.codec, Request(PROMPT, SAMPLING), lambda: False))
    assert finished.token_ids == plain[-1].token_ids
    assert looked


def test_a_run_is_recorded_step_by_step(demo):
    run, finished = recorded(demo.model, demo.codec, SAMPLING, PROMPT)
    assert run.token_ids == finished.token_ids
    assert all(step.dice is not None for step in run.steps)
    assert run.context_at(0) == run.start.context_token_ids
    assert run.context_at(3) == run.start.context_token_ids + finished.token_ids[:3]
    greedy, _ = recorded(demo.model, demo.codec, Settings(max_new_tokens=3), PROMPT)
    assert [step.dice for step in greedy.steps] == [None] * 3


def test_recorded_logits_are_the_models(demo, demo_module):
    run, _ = recorded(demo.model, demo.codec, Settings(max_new_tokens=4), PROMPT)
    assert len(run.steps) == 4
    for index, step in enumerate(run.steps):
        inputs = torch.tensor([run.context_at(index)])
        with torch.inference_mode():
            logits = demo_module(inputs).logits[0, -1]
        assert torch.allclose(recorded_logits(step), logits, atol=0.05)
        top = logits.topk(100).indices
        assert torch.allclose(recorded_logits(step)[top], logits[top], atol=1e-4)


def test_of_beams_only_the_beginning_is_recorded():
    """Which names the tokens of the run."""
    store = LogitsStore()
    beams = Settings(num_beams=2, max_new_tokens=3)
    request = Request("", beams, (1, 2), recorder=store.recorder("run"))
    codec = byte_codec()
    list(generate(TransformersModel(tiny_gpt2(1)), codec, request, lambda: False))
    run = store.run("run")
    assert run.steps == run.token_ids == ()
    assert run.start.texts is codec


def test_the_oldest_steps_are_dropped_and_that_is_said():
    size = run_of([torch.zeros(1000)], [0]).steps[0].size
    store = LogitsStore(limit=3 * size)
    start = run_of([], []).start
    for key in ("first", "second"):
        recorder = store.recorder(key)
        recorder.begin(start)
        for token_id in range(2):
            recorder.add(record_step(torch.zeros(1, 1000), token_id))
    assert store.facts().size == 3 * size
    assert store.facts().dropped_steps == 1
    assert "oldest 1 steps were dropped" in store.facts().sentence
    assert [step is None for step in store.run("first").steps] == [True, False]
    assert [step is None for step in store.run("second").steps] == [False, False]
    assert store.run("first").token_ids == (0, 1)
    store.forget("first")
    assert store.run("first") is None
    assert store.facts().size == 2 * size
    assert store.facts().kept_steps == 2


def test_nothing_exceeds_the_ceiling():
    store = LogitsStore(limit=10)
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    recorder.add(record_step(torch.zeros(1, 1000), 0))
    assert store.facts().size == 0
    assert store.run("run").steps == (None,)


def test_a_run_that_was_forgotten_while_it_ran_stays_forgotten():
    store = LogitsStore()
    recorder = store.recorder("run")
    recorder.begin(run_of([], []).start)
    store.forget("run")
    recorder.add(record_step(torch.zeros(1, 10), 0))
    assert store.run("run") is None
    assert store.facts().size == 0


def test_a_run_of_the_service_is_read_from_its_users_thread():
    """As the app does it: the service's thread records, another one explains and scrubs."""
    store = LogitsStore()
    service = GenerationService()
    service.start(lambda: LocalBackend("demo", "cpu"))
    request = Request(PROMPT, SAMPLING, recorder=store.recorder("turn"))
    service.submit(request)
    events = []
    deadline = time.monotonic() + 60
    while not any(isinstance(one, Finished) for one in events) and time.monotonic() < deadline:
        events += service.drain()
        time.sleep(0.01)
    assert service.close(timeout=10)
    (finished,) = (one for one in events if isinstance(one, Finished))
    run = store.run("turn")
    assert run.token_ids == finished.token_ids
    assert explain(run, 3).token.token_id == finished.token_ids[3]
    assert explain_draw(run, 3).winner.token_id == finished.token_ids[3]
    assert scrub(Sweeper(run), SAMPLING).first_divergence is None
