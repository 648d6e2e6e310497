"""Two hundred runs and cancels in a row: threads, open files and memory are what they were."""

from __future__ import annotations

import gc
import threading

import psutil

from core.backends.local import LocalBackend
from core.backends.worker import GenerationService
from core.records.loading import Ready
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Step
from tests.core.backends.test_worker import is_a, wait_for

SAMPLING = Settings(max_new_tokens=60, do_sample=True, seed=1)
BEAMS = Settings(max_new_tokens=60, num_beams=3)
MOST_GROWTH = 16 * 2**20  # bytes: what the allocator keeps for the next run


def test_two_hundred_runs_and_cancels_leave_nothing():
    service = GenerationService()
    service.start(lambda: LocalBackend("demo", "cpu"))
    wait_for(service, is_a(Ready))
    process = psutil.Process()

    def held():
        gc.collect()
        return threading.active_count(), process.num_fds(), process.memory_info().rss

    def ended(times):
        for one in range(times):
            settings = BEAMS if one % 2 else SAMPLING
            service.submit(Request("Once upon a time", settings))
            events = wait_for(service, is_a(Step))
            service.cancel()
            if not any(isinstance(event, Finished) for event in events):
                wait_for(service, is_a(Finished))

    ended(20)
    threads, files, memory = held()
    ended(200)
    after = held()
    assert after[:2] == (threads, files)
    assert after[2] - memory < MOST_GROWTH
    assert service.close(timeout=10)
