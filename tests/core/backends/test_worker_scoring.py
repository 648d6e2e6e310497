"""Scoring on the model's thread: asked from any thread, refused in words, ended on request."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.backends.reading import LOOK_SECONDS
from core.backends.scripted import ScriptedBackend
from core.backends.worker import GenerationService
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.loading import Ready
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished

PRESETS = (
    Preset("greedy", "", "", Settings()),
    Preset("beam", "", "", Settings(num_beams=2)),
    Preset("nucleus", "", "", Settings(do_sample=True, top_p=0.9)),
)


class Slow(ScriptedBackend):
    """Scores until it is told to stop."""

    def __init__(self, **more):
        super().__init__(**more)
        self.has_begun = threading.Event()

    def score(self, text, presets, is_cancelled):
        self.has_begun.set()
        deadline = time.monotonic() + 10
        while not is_cancelled() and time.monotonic() < deadline:
            time.sleep(0.001)
        return super().score(text, presets, is_cancelled)


@pytest.fixture
def service():
    service = GenerationService()
    yield service
    service.close(timeout=10)


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


def wait_for(service, kind):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any(isinstance(event, kind) for event in service.drain()):
            return
        time.sleep(0.001)
    raise AssertionError("it never came")


def test_a_text_is_scored_on_the_thread_of_the_model(service):
    threads = []

    class Noting(ScriptedBackend):
        def load(self, report):
            threads.append(threading.get_ident())
            return super().load(report)

        def score(self, text, presets, is_cancelled):
            threads.append(threading.get_ident())
            return super().score(text, presets, is_cancelled)

    service.start(Noting)
    wait_for(service, Ready)
    scored = service.score("a cat sat", PRESETS)
    assert [one.text for one in scored.tokens] == ["a", " cat", " sat"]
    assert scored.bits == 7
    assert [one.is_reachable for one in scored.verdicts] == [False, None, True]
    assert scored.verdicts[0].forbidden.index == 1
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


def test_a_scoring_that_takes_its_time_is_waited_for(service, pool):
    may_end = threading.Event()

    class Long(ScriptedBackend):
        def score(self, text, presets, is_cancelled):
            assert may_end.wait(10)
            return super().score(text, presets, is_cancelled)

    service.start(Long)
    wait_for(service, Ready)
    asked = pool.submit(service.score, "a cat", ())
    time.sleep(3 * LOOK_SECONDS)
    assert not asked.done()
    may_end.set()
    assert [one.text for one in asked.result(10).tokens] == ["a", " cat"]


def test_without_a_model_it_is_refused(service):
    with pytest.raises(PlaygroundError, match=r"^no model is loaded$"):
        service.score("a", ())


def test_while_a_run_goes_on_it_is_refused_and_then_not(service):
    gate = threading.Semaphore(0)
    service.start(lambda: ScriptedBackend(step_gate=gate))
    wait_for(service, Ready)
    service.submit(Request("one", Settings(max_new_tokens=2)))
    with pytest.raises(
        PlaygroundError, match="a run is going on; score the text when it has ended"
    ):
        service.score("a", ())
    gate.release(2)
    wait_for(service, Finished)
    assert service.score("a", ()).bits == 1


def test_a_run_that_found_no_model_does_not_stand_in_the_way(service):
    service.submit(Request("one", Settings()))
    service.start(ScriptedBackend)
    wait_for(service, Ready)
    assert service.score("a", ()).bits == 1


def test_faults_are_sentences(service):
    class Broken(ScriptedBackend):
        def score(self, text, presets, is_cancelled):
            raise ValueError("odd\nmore")

    service.start(Broken)
    wait_for(service, Ready)
    with pytest.raises(PlaygroundError, match=r"^the text could not be scored: ValueError: odd$"):
        service.score("a", ())
    service.load(ScriptedBackend)
    wait_for(service, Ready)
    with pytest.raises(PlaygroundError, match=r"^there is no text to score$"):
        service.score("", ())


def test_whoever_asked_can_end_it(service, pool):
    backend = Slow()
    service.start(lambda: backend)
    wait_for(service, Ready)
    leaves = threading.Event()
    asked = pool.submit(service.score, "a", (), leaves.is_set)
    assert backend.has_begun.wait(10)
    service.submit(Request("one", Settings(max_new_tokens=2)))
    leaves.set()
    with pytest.raises(PlaygroundError, match="the scoring was stopped"):
        asked.result(10)
    wait_for(service, Finished)


@pytest.mark.parametrize("end", ["load", "close"])
def test_another_model_and_the_end_of_the_program_end_it(service, pool, end):
    backend = Slow()
    service.start(lambda: backend)
    wait_for(service, Ready)
    asked = pool.submit(service.score, "a", ())
    assert backend.has_begun.wait(10)
    if end == "load":
        service.load(ScriptedBackend)
    else:
        assert service.close(timeout=10)
    with pytest.raises(PlaygroundError, match="the scoring was stopped"):
        asked.result(10)


def test_after_the_end_nobody_waits_for_ever(service, pool):
    waits = Slow()
    service.start(lambda: waits)
    wait_for(service, Ready)
    first = pool.submit(service.score, "a", ())
    assert waits.has_begun.wait(10)
    second = pool.submit(service.score, "b", ())
    time.sleep(0.05)
    service.close(timeout=10)
    for asked in (first, second):
        with pytest.raises(PlaygroundError):
            asked.result(10)
