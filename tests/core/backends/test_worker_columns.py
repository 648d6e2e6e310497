"""Columns through the service: each has its events and one end, whatever happens."""

from __future__ import annotations

import threading

import pytest

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.backends.worker import GenerationService
from core.records.chat import ChatFormat, Message
from core.records.comparison import ColumnEvent, InTurn
from core.records.errors import PlaygroundError
from core.records.loading import Ready
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Started, TokenStep
from tests.core.backends.test_worker import LONGEST_WAIT, is_a, request, wait_for


@pytest.fixture
def service():
    service = GenerationService()
    yield service
    service.close(timeout=LONGEST_WAIT)


def all_ends(service, count):
    """Drains until every column has ended; returns each one's events."""
    columns = {at: [] for at in range(count)}
    while not all(any(isinstance(one, Finished) for one in events) for events in columns.values()):
        for told in wait_for(service, is_a(ColumnEvent, Finished)):
            assert not isinstance(told, Finished)
            if isinstance(told, ColumnEvent):
                columns[told.column].append(told.event)
    return columns


def begun(service, factory):
    service.start(factory)
    wait_for(service, is_a(Ready))


def test_columns_come_side_by_side_and_a_run_comes_after_them(service):
    begun(service, ScriptedBackend)
    service.compare([request(steps=2), request(steps=4)])
    service.submit(request())
    events = wait_for(service, is_a(Finished))

    columns = [one.column for one in events if isinstance(one, ColumnEvent)]
    assert columns == [0, 1, 0, 1, 0, 1, 0, 1, 1, 1]
    ends = [one.event for one in events if isinstance(getattr(one, "event", None), Finished)]
    assert [len(end.token_ids) for end in ends] == [2, 4]
    assert isinstance(events[10], Started)


def test_a_cancel_ends_every_column_and_keeps_what_has_come(service):
    gate = threading.Semaphore(3)
    begun(service, lambda: ScriptedBackend(step_gate=gate))
    service.compare([request(steps=5), request(steps=5)])
    wait_for(service, lambda one: isinstance(one, ColumnEvent) and is_a(TokenStep)(one.event))
    service.cancel()
    columns = all_ends(service, 2)

    assert [events[-1].reason for events in columns.values()] == ["cancelled", "cancelled"]


class Breaking(ScriptedBackend):
    def compare(self, requests, is_cancelled):
        for at, told in enumerate(super().compare(requests, is_cancelled)):
            if at == 5:
                raise PlaygroundError("out of memory")
            yield told


def test_a_fault_of_the_model_ends_those_that_have_not_ended(service):
    begun(service, Breaking)
    service.compare([request(steps=1), request(steps=5)])
    columns = all_ends(service, 2)

    assert [events[-1].reason for events in columns.values()] == ["length", "failed"]
    assert columns[1][-1].detail == "out of memory"


def test_without_a_model_every_column_fails(service):
    service.compare([request(), request()])
    service.start(ScriptedBackend)
    columns = all_ends(service, 2)

    assert all("no model" in events[-1].detail for events in columns.values())


def test_a_column_that_cannot_be_run_says_so_and_a_conversation_has_its_turn():
    backend = LocalBackend("demo", "cpu")
    backend.load(lambda stage, share=None: None)
    settings = Settings(max_new_tokens=3)
    chat = ChatFormat(user="Q: ", assistant="A:")
    asked = [
        Request("Once upon a time", settings),
        Request("", settings, messages=(Message("user", "Once"),), chat=chat),
        Request("Once upon a time", settings, (1,) * 5000),
        Request("Once upon a time", settings.replace(num_beams=2)),
    ]
    columns = [[] for _ in asked]
    for told in backend.compare(asked, lambda: False):
        columns[told.column].append(told.event)
    backend.close()

    assert [events[-1].reason for events in columns] == ["length", "length", "failed", "length"]
    assert isinstance(columns[1][0], InTurn)
    assert len(columns[2]) == 1
