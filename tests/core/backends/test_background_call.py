"""Calls on threads of their own: whatever they raise, whoever waits hears of it."""

from __future__ import annotations

import threading
import time

import pytest

from core.backends.background_call import BackgroundCall
from core.backends.downloads import DownloadFailed, DownloadService
from core.backends.newest_call import NewestCall
from core.records.errors import PlaygroundError


class Panic(BaseException):
    """As what tokenizers raises where its Rust code panics."""


THROWN = [Panic("out of bounds"), SystemExit(), KeyboardInterrupt(), ValueError("no\nway")]


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def throwing(thrown):
    def call(*_arguments):
        raise thrown

    return call


@pytest.mark.parametrize("thrown", THROWN, ids=lambda one: type(one).__name__)
def test_whatever_a_call_raises_is_its_result(thrown):
    call = BackgroundCall(throwing(thrown), "it failed")
    until(lambda: call.is_done)
    with pytest.raises(PlaygroundError, match=f"it failed: {type(thrown).__name__}"):
        call.result()


@pytest.mark.parametrize("thrown", THROWN, ids=lambda one: type(one).__name__)
def test_a_call_that_waits_begins_after_one_that_broke(thrown):
    calls = NewestCall("it failed")
    calls.ask(throwing(thrown))
    calls.ask(lambda: 7)
    ended = []
    until(lambda: ended.append(calls.finished()) or not calls.is_busy)
    broken, whole = (one for one in ended if one is not None)
    assert whole.result() == 7
    with pytest.raises(PlaygroundError):
        broken.result()


@pytest.mark.parametrize("thrown", THROWN, ids=lambda one: type(one).__name__)
def test_whatever_a_download_raises_is_told(thrown):
    service = DownloadService(throwing(thrown))
    for _ in range(2):
        service.start("a-model")
        events = []
        until(lambda: events.extend(service.drain()) or events)  # noqa: B023
        (event,) = events
        assert isinstance(event, DownloadFailed)
        assert type(thrown).__name__ in event.message
    assert service.close()


def test_without_a_thread_the_call_fails_instead_of_the_app(monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    call = BackgroundCall(lambda: 7, "it failed")
    assert call.is_done
    with pytest.raises(PlaygroundError, match="it failed: RuntimeError: can't start"):
        call.result()
    with pytest.raises(PlaygroundError, match="can't start"):
        DownloadService(throwing(ValueError())).start("a-model")
