"""A run rests while a person is answered, and never for long."""

from __future__ import annotations

import threading
import time

from core.backends.right_of_way import LONGEST_REST, RightOfWay
from core.backends.scripted import ScriptedBackend
from core.backends.worker import GenerationService
from core.records.steps import Finished, TokenStep
from tests.core.backends.test_worker import is_a, request, wait_for


def rest_of(way):
    began = time.monotonic()
    way.wait()
    return time.monotonic() - began


def test_nobody_waits_unless_the_way_is_taken():
    assert rest_of(RightOfWay()) < LONGEST_REST / 2


def test_whoever_takes_the_way_and_never_gives_it_back_has_it_for_a_moment():
    way = RightOfWay()
    way.take()
    assert rest_of(way) >= LONGEST_REST * 0.9
    assert rest_of(way) < LONGEST_REST / 2


def test_the_way_is_free_as_soon_as_it_is_given_back():
    way, rested = RightOfWay(), threading.Event()
    way.take()
    waiting = threading.Thread(target=lambda: (way.wait(), rested.set()))
    waiting.start()
    way.give_back()
    assert rested.wait(10)
    waiting.join()


def test_a_run_looks_after_each_step_whether_somebody_has_the_way():
    asked, service = [], GenerationService()
    service.way.wait = lambda: asked.append(True)
    service.start(ScriptedBackend)
    service.submit(request(steps=3))
    events = wait_for(service, is_a(Finished))
    assert sum(isinstance(event, TokenStep) for event in events) == 3
    assert len(asked) >= 3
    assert service.close(timeout=10)
