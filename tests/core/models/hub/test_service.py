"""Downloads in the background: what is started, reported, cancelled and closed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.backends.downloads import Downloaded, DownloadFailed, DownloadService
from core.models.hub.download import DownloadCancelled, DownloadProgress
from core.records.errors import PlaygroundError
from tests.core.models.hub.conftest import model_files
from tests.core.models.hub.server import until


def progress(done, name="a"):
    return DownloadProgress(name, done, 100, 1.0, None, "file")


@pytest.fixture
def service():
    services = []

    def make(*arguments):
        services.append(DownloadService(*arguments))
        return services[-1]

    yield make
    for one in services:
        assert one.close(5)


def all_events(service, seconds=10):
    events = []

    def is_over():
        events.extend(service.drain())
        return bool(events) and not isinstance(events[-1], DownloadProgress)

    until(is_over, seconds)
    return events


def test_a_model_from_a_hub(hub, service):
    hub.add("owner/tiny", model_files(shapes={"a": (1000, 1000)}))
    hub.behaviour.bytes_per_second = 1e7
    downloads = service()

    downloads.start("owner/tiny")
    events = all_events(downloads)

    assert isinstance(events[0], DownloadProgress)
    assert events[-1] == Downloaded("owner/tiny", events[-1].folder)
    assert (events[-1].folder / "model.safetensors").is_file()
    assert downloads.running is None


def test_a_failure_and_then_another_try(hub, service):
    downloads = service()
    downloads.start("owner/tiny")
    (failed,) = all_events(downloads)
    assert not failed.was_cancelled
    assert "there is no model 'owner/tiny'" in failed.message

    hub.add("owner/tiny", model_files())
    downloads.start("owner/tiny")

    assert isinstance(all_events(downloads)[-1], Downloaded)


def test_cancelling(hub, service):
    hub.add("owner/tiny", model_files(shapes={"a": (1000, 1000)}))
    hub.behaviour.stall_after = 500_000
    downloads = service()
    downloads.start("owner/tiny")
    until(lambda: any(event.bytes_done > 100_000 for event in downloads.drain()))

    downloads.cancel()

    failed = all_events(downloads, 2)[-1]
    assert failed.was_cancelled
    assert "are kept" in failed.message
    hub.behaviour.stall_after = None
    downloads.start("owner/tiny")
    assert isinstance(all_events(downloads)[-1], Downloaded)


def test_only_the_newest_progress_is_kept(service):
    go_on = threading.Event()

    def fetch(name, report, is_cancelled):
        for done in range(50):
            report(progress(done))
        go_on.wait(10)
        report(progress(100))
        return Path("folder")

    downloads = service(fetch)
    downloads.start("a")
    seen = []
    until(lambda: bool(seen.extend(downloads.drain()) or (seen and seen[-1].bytes_done == 49)))
    assert len(seen) < 50
    assert downloads.running == "a"
    go_on.set()

    assert all_events(downloads)[-1] == Downloaded("a", Path("folder"))


def test_one_at_a_time(service):
    go_on = threading.Event()

    def fetch(name, report, is_cancelled):
        until(lambda: go_on.is_set() or is_cancelled())
        if is_cancelled():
            raise DownloadCancelled("stopped")
        return Path(name)

    downloads = service(fetch)
    downloads.start("a")
    with pytest.raises(PlaygroundError, match="'a' is being downloaded; cancel that first"):
        downloads.start("b")

    downloads.cancel()
    downloads.start("b")
    go_on.set()

    events = []
    until(lambda: bool(events.extend(downloads.drain()) or len(events) == 2))
    assert events == [DownloadFailed("a", "stopped", True), Downloaded("b", Path("b"))]


def test_an_unexpected_error_is_one_sentence(service):
    def fetch(name, report, is_cancelled):
        raise ZeroDivisionError("first\nsecond")

    downloads = service(fetch)
    downloads.start("a")

    (failed,) = all_events(downloads)
    assert failed.message == "the download of 'a' failed: ZeroDivisionError: first"


def test_closing_stops_a_download(hub):
    hub.add("owner/tiny", model_files())
    hub.behaviour.is_silent = True
    downloads = DownloadService()
    downloads.start("owner/tiny")
    until(lambda: bool(hub.seen))

    assert downloads.close(2)
    with pytest.raises(PlaygroundError, match="the program is ending"):
        downloads.start("owner/tiny")


def test_closing_what_never_began():
    downloads = DownloadService()
    downloads.cancel()

    assert downloads.close()
    assert downloads.drain() == []
