"""The service: one thread, runs in order, cancelled within a step, and an end in every case."""

from __future__ import annotations

import threading
import time

import pytest

from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.backends.worker import GenerationService
from core.document.document import Document
from core.records.errors import PlaygroundError
from core.records.loading import LoadFailed, Loading, Ready
from core.records.model_info import ModelInfo
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Finished, Started, TokenStep

LONGEST_WAIT = 10.0


@pytest.fixture
def service():
    service = GenerationService()
    yield service
    service.close(timeout=LONGEST_WAIT)


def wait_for(service, wanted, events=None):
    """Drain until an event fulfils ``wanted``; return all that came."""
    events = [] if events is None else events
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        batch = service.drain()
        events.extend(batch)
        if any(wanted(event) for event in batch):
            return events
        time.sleep(0.001)
    raise AssertionError(f"it never came; there was {events}")


def is_a(*kinds):
    return lambda event: isinstance(event, kinds)


def request(prompt="one", steps=3):
    return Request(prompt, Settings(max_new_tokens=steps))


def test_loading_comes_before_ready_and_ready_before_a_run(service):
    service.submit(request())
    service.start(ScriptedBackend)
    # submitted before the model was there: told, not lost
    events = wait_for(service, is_a(Ready))
    assert isinstance(events[0], Finished)
    assert events[1:] == [Loading("reading the script"), Ready(SCRIPTED_MODEL)]


def test_a_run_yields_its_events_in_order(service):
    service.start(ScriptedBackend)
    service.submit(request())
    events = wait_for(service, is_a(Finished))

    kinds = [type(event) for event in events]
    assert kinds == [Loading, Ready, Started, TokenStep, TokenStep, TokenStep, Finished]
    assert [event.index for event in events if isinstance(event, TokenStep)] == [0, 1, 2]


def test_runs_follow_one_another_in_the_order_of_submission(service):
    backend = ScriptedBackend()
    service.start(lambda: backend)
    for prompt in ("a", "b", "c"):
        service.submit(request(prompt))
    finished = 0
    while finished < 3:
        finished += sum(isinstance(one, Finished) for one in wait_for(service, is_a(Finished)))

    assert [one.prompt for one in backend.requests] == ["a", "b", "c"]


def test_everything_happens_on_one_thread_that_is_not_the_callers(service):
    threads = []

    class Noting(ScriptedBackend):
        def load(self, report):
            threads.append(threading.current_thread())
            return super().load(report)

        def generate(self, one, is_cancelled):
            threads.append(threading.current_thread())
            yield from super().generate(one, is_cancelled)

        def close(self):
            threads.append(threading.current_thread())

    service.start(Noting)
    service.submit(request())
    wait_for(service, is_a(Finished))
    assert service.close(timeout=LONGEST_WAIT)

    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()


def test_cancel_takes_effect_before_the_next_step(service):
    gate = threading.Semaphore(0)
    service.start(lambda: ScriptedBackend(step_gate=gate))
    service.submit(request(steps=8))
    gate.release()
    gate.release()
    events = wait_for(service, lambda one: isinstance(one, TokenStep) and one.index == 1)
    service.cancel()
    wait_for(service, is_a(Finished), events)

    assert sum(isinstance(one, TokenStep) for one in events) == 2
    assert events[-1].reason == "cancelled"
    assert events[-1].token_ids == (100, 101)


def test_a_run_after_a_cancelled_one_is_not_cancelled(service):
    gate = threading.Semaphore(0)
    service.start(lambda: ScriptedBackend(step_gate=gate))
    service.submit(request())
    wait_for(service, is_a(Started))
    service.cancel()
    wait_for(service, is_a(Finished))
    for _ in range(3):
        gate.release()
    service.submit(request())

    assert wait_for(service, is_a(Finished))[-1].reason == "length"


def test_a_model_that_cannot_be_had_is_told_in_its_own_words(service):
    service.start(lambda: ScriptedBackend(load_error="no such model; try demo"))

    assert wait_for(service, is_a(LoadFailed))[-1] == LoadFailed("no such model; try demo")


def test_an_unexpected_error_while_loading_is_one_line(service, caplog):
    def broken():
        raise ValueError("first line\nsecond line")

    service.start(broken)
    message = wait_for(service, is_a(LoadFailed))[-1].message

    assert message == "the model could not be loaded: ValueError: first line"
    assert "second line" in caplog.text  # the log has all of it


def test_a_run_without_a_model_fails_and_the_thread_lives_on(service):
    service.start(lambda: ScriptedBackend(load_error="no"))
    service.submit(request())
    events = wait_for(service, is_a(Finished))

    assert (events[-1].reason, events[-1].detail) == ("failed", "no model is loaded yet")
    service.submit(request())
    wait_for(service, is_a(Finished))


class Failing(ScriptedBackend):
    """Fails after one step the first time, and works from then on."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def generate(self, one, is_cancelled):
        for event in super().generate(one, is_cancelled):
            yield event
            if isinstance(event, TokenStep) and self.error is not None:
                error, self.error = self.error, None
                raise error


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (PlaygroundError("the prompt is too long"), "the prompt is too long"),
        (RuntimeError("CUDA\nmore"), "the run stopped: RuntimeError: CUDA"),
        (MemoryError(), "the run stopped: MemoryError"),
    ],
)
def test_a_run_that_breaks_ends_as_failed_and_the_next_one_works(service, error, detail):
    service.start(lambda: Failing(error))
    service.submit(request())
    events = wait_for(service, is_a(Finished))
    assert (events[-1].reason, events[-1].detail) == ("failed", detail)
    assert isinstance(events[-2], TokenStep)

    service.submit(request())
    assert wait_for(service, is_a(Finished))[-1].reason == "length"


def test_close_ends_a_run_the_thread_and_the_backend():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    service = GenerationService()
    service.start(lambda: backend)
    service.submit(request())
    wait_for(service, is_a(Started))

    assert service.close(timeout=LONGEST_WAIT)
    assert backend.closed
    assert service.drain()[-1].reason == "cancelled"


def test_close_does_not_wait_for_a_load_that_takes_long():
    release = threading.Event()

    class Slow(ScriptedBackend):
        def load(self, report) -> ModelInfo:
            report("importing")
            release.wait(LONGEST_WAIT)
            return super().load(report)

    service = GenerationService()
    service.start(Slow)
    wait_for(service, is_a(Loading))
    began = time.monotonic()

    assert not service.close(timeout=0.05)
    assert time.monotonic() - began < 2
    release.set()
    assert service.close(timeout=LONGEST_WAIT)


def test_close_before_start_is_harmless():
    assert GenerationService().close()


def test_requests_left_in_the_queue_are_not_run_after_close():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    service = GenerationService()
    service.start(lambda: backend)
    service.submit(request("a"))
    service.submit(request("b"))
    wait_for(service, is_a(Started))

    assert service.close(timeout=LONGEST_WAIT)
    assert [one.prompt for one in backend.requests] == ["a"]


def test_a_cancelled_run_stays_cancelled_when_another_follows_at_once():
    gate = threading.Semaphore(0)
    backend = ScriptedBackend(step_gate=gate)
    service = GenerationService()
    service.start(lambda: backend)
    service.submit(Request("first", Settings()))
    service.cancel()
    service.submit(Request("second", Settings()))
    for _ in range(20):
        gate.release()
    events = []
    deadline = time.monotonic() + 5
    while sum(isinstance(one, Finished) for one in events) < 2 and time.monotonic() < deadline:
        events += service.drain()
        time.sleep(0.005)
    service.close()
    finished = [one.reason for one in events if isinstance(one, Finished)]
    assert finished == ["cancelled", "length"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda: ScriptedBackend(load_error="too large"),
        lambda: Treacherous("load", ValueError("odd")),
        lambda: Treacherous("load", Panic("index out of bounds")),
    ],
)
def test_a_model_that_cannot_be_loaded_brings_the_one_before_back(broken):
    first = ScriptedBackend()
    again = iter([first, ScriptedBackend()])
    service = GenerationService()
    service.start(lambda: next(again))
    service.load(broken)
    events = []
    deadline = time.monotonic() + 5
    while sum(isinstance(one, Ready) for one in events) < 2 and time.monotonic() < deadline:
        events += service.drain()
        time.sleep(0.005)
    service.close()
    kinds = [type(one).__name__ for one in events if not isinstance(one, Loading)]
    assert kinds == ["Ready", "LoadFailed", "Ready"]
    assert [one.falls_back for one in events if isinstance(one, LoadFailed)] == [True]
    assert first.closed


class Panic(BaseException):
    """As what tokenizers raises where its Rust code panics."""


THROWN = [Panic("index out of bounds"), SystemExit(3), KeyboardInterrupt(), MemoryError()]


class Treacherous(ScriptedBackend):
    """A backend that raises ``thrown`` in the call that ``where`` names."""

    def __init__(self, where, thrown):
        super().__init__()
        self.where, self.thrown = where, thrown

    def _at(self, where):
        if where == self.where:
            self.where = ""
            raise self.thrown

    def load(self, report):
        self._at("load")
        return super().load(report)

    def generate(self, request, is_cancelled):
        self._at("generate")
        for index, event in enumerate(super().generate(request, is_cancelled)):
            if index == 3:
                self._at("step")
            yield event

    def score(self, text, presets, is_cancelled):
        self._at("score")
        return super().score(text, presets, is_cancelled)

    def close(self):
        self._at("close")
        super().close()


@pytest.mark.parametrize("thrown", THROWN, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("where", ["load", "generate", "step", "score", "close"])
def test_nothing_that_a_library_raises_ends_the_thread(service, where, thrown):
    service.start(lambda: Treacherous(where, thrown))
    events = wait_for(service, is_a(Ready, LoadFailed))
    assert isinstance(events[-1], LoadFailed) == (where == "load")
    if where == "load":
        assert type(thrown).__name__ in events[-1].message
        service.load(ScriptedBackend)
        wait_for(service, is_a(Ready))
    if where == "score":
        with pytest.raises(PlaygroundError, match=type(thrown).__name__):
            service.score("a text", ())
    if where == "close":
        service.load(ScriptedBackend)
        wait_for(service, is_a(Ready))
    service.submit(request())
    ended = wait_for(service, is_a(Finished))[-1]
    assert (ended.reason == "failed") == (where in ("generate", "step"))
    service.submit(request())
    assert wait_for(service, is_a(Finished))[-1].reason == "length"


def test_a_run_that_panics_keeps_its_tokens_in_the_document(service):
    document = Document()
    info = SCRIPTED_MODEL
    service.start(lambda: Treacherous("step", Panic("out of bounds")))
    wait_for(service, is_a(Ready))
    service.submit(document.begin("one", "p", Settings(max_new_tokens=5), info))
    for event in wait_for(service, is_a(Finished)):
        document.apply(event)
    turn = document.turns[-1]
    assert turn.finished is not None
    assert turn.finished.reason == "failed"
    assert "Panic: out of bounds" in turn.finished.detail
    assert (turn.token_ids, turn.text) == ((100, 101), " far,")


def start_to_die(service, monkeypatch):
    """Start ``service`` on a thread that dies of its first run."""

    def dies(run):
        raise Panic

    monkeypatch.setattr(service, "_run", dies)
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    service.start(ScriptedBackend)
    wait_for(service, is_a(Ready))


def test_a_dead_thread_is_told_to_whoever_waits(service, monkeypatch):
    start_to_die(service, monkeypatch)
    for _ in range(2):  # the one that it died of, and one that comes too late
        service.submit(request())
        (ended,) = wait_for(service, is_a(Finished))
        assert (ended.reason, "start the program again" in ended.detail) == ("failed", True)
    assert service.drain() == []
    service.load(ScriptedBackend)
    (event,) = wait_for(service, is_a(LoadFailed))
    assert "start the program again" in event.message
    assert service.drain() == []


def test_a_dead_thread_fails_no_load_that_had_ended(service, monkeypatch):
    start_to_die(service, monkeypatch)
    service.load(ScriptedBackend)
    wait_for(service, is_a(Ready))
    service.submit(request())
    words = [*wait_for(service, is_a(Finished)), *service.drain()]
    assert [type(one) for one in words] == [Finished]


def test_a_thread_that_has_not_started_is_not_dead(service):
    service.submit(request())
    assert service.drain() == []
    service.start(ScriptedBackend)
    events = wait_for(service, is_a(Ready))
    assert [one.detail for one in events if isinstance(one, Finished)] == ["no model is loaded yet"]


def test_where_the_system_has_no_thread_that_is_told(service, monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        service.start(ScriptedBackend)
    (event,) = wait_for(service, is_a(LoadFailed))
    assert "start the program again" in event.message
