"""An outlook on the model's thread: it comes as it is found, and is ended on request."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.backends.local import LocalBackend
from core.backends.reading import LOOKING_OUT, looking_out
from core.backends.scripted import ScriptedBackend
from core.outlook.gathered import Outlook
from core.records.chat import ChatFormat, Message
from core.records.errors import PlaygroundError
from core.records.loading import Ready
from core.records.outlook import Reach
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished
from tests.core.backends.test_worker_scoring import service as service
from tests.core.backends.test_worker_scoring import wait_for


def test_it_comes_as_it_is_found_and_stops_when_told(service):
    gate, left = threading.Semaphore(2), threading.Event()
    service.start(lambda: ScriptedBackend(step_gate=gate))
    wait_for(service, Ready)
    outlook, threads = Outlook(), set()

    def take(growth):
        threads.add(threading.current_thread().name)
        outlook.add(growth)
        if len(outlook.prospects) == 6:
            left.set()

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(
            service.read,
            looking_out(Request("a", Settings()), Reach(3, 0.01), take),
            left.is_set,
            LOOKING_OUT,
        )
        with pytest.raises(PlaygroundError, match="the search was stopped"):
            asked.result(timeout=10)
    assert threads == {"generation"}
    assert (len(outlook.prospects), outlook.ends) == (6, 2)
    assert outlook.covered + outlook.open + outlook.left_out == pytest.approx(1.0)
    service.submit(Request("a", Settings(max_new_tokens=2)))
    with pytest.raises(PlaygroundError, match="a run is going on; look at what could be said"):
        service.read(looking_out(Request("a", Settings()), Reach(), take), bool, LOOKING_OUT)
    gate.release(2)
    wait_for(service, Finished)


def test_a_chat_is_looked_ahead_of_as_it_would_run(monkeypatch):
    """What is read of a request is what a run of it would read."""
    backend = LocalBackend("demo", "cpu", "float32")
    backend.load(lambda stage, share=None: None)
    chat = ChatFormat(user="", assistant="He", stop_strings=("\n\n",))
    request = Request("", Settings(), messages=(Message("user", "Once upon"),), chat=chat)
    (first, *_) = backend.outlook(request, Reach(1, 0.05), bool)
    (same, *_) = backend.outlook(Request("Once upon\nHe", Settings()), Reach(1, 0.05), bool)
    assert first == same
    monkeypatch.setattr(
        "core.outlook.rows.Rows.after", lambda *_: (_ for _ in ()).throw(MemoryError())
    )
    with pytest.raises(PlaygroundError, match="ran out of memory; look less far"):
        list(backend.outlook(request, Reach(), bool))
    monkeypatch.undo()
    assert next(backend.outlook(request, Reach(1, 0.05), bool)) == first
    backend.close()
    with pytest.raises(PlaygroundError, match="no model is loaded"):
        next(backend.outlook(request, Reach(), bool))
