"""What is asked of CUDA, in which order, behind stand-ins for its streams, events and graphs."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from core.decoding.ahead import _CopyBeside
from core.models.gpt2.graph.recording import capture_on_gpu

CUDA = torch.device("cuda", 1)


class Cuda:
    """Stand-ins for parts of ``torch.cuda`` that write down what is asked of them."""

    def __init__(self):
        self.asked = []
        self.current = "main"
        self.streams = 0

    def note(self, *what):
        self.asked.append((self.current, *what))

    def stream_class(self):
        cuda = self

        class Stream:
            def __init__(self, device=None, priority=0):
                self.name = "side"
                cuda.streams += 1

            def wait_event(self, event):
                cuda.note(self.name, "waits for", event.recorded_on)

            def wait_stream(self, other):
                cuda.note(self.name, "waits for", other.name)

        return Stream

    def event_class(self):
        cuda = self

        class Event:
            recorded_on = ""

            def record(self, stream):
                self.recorded_on = stream.name
                cuda.note("event on", stream.name)

            def synchronize(self):
                cuda.note("host waits for", self.recorded_on)

        return Event

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream.name
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def graph(self, graph, *, stream, capture_error_mode):
        """As torch does it: where a recording fails, nobody leaves the stream."""
        assert capture_error_mode == "thread_local"
        before, self.current = self.current, stream.name
        self.note("recording")
        yield
        self.note("recorded")
        self.current = before


@pytest.fixture
def cuda(monkeypatch):
    cuda = Cuda()
    main = cuda.stream_class()()
    main.name = "main"
    monkeypatch.setattr("torch.cuda.Stream", cuda.stream_class())
    monkeypatch.setattr("torch.cuda.Event", cuda.event_class())
    monkeypatch.setattr("torch.cuda.stream", cuda.stream)
    monkeypatch.setattr("torch.cuda.graph", cuda.graph)
    monkeypatch.setattr("torch.cuda.current_stream", lambda device=None: main)
    cuda.streams = 0
    return cuda


def test_numbers_come_to_the_host_beside_the_next_step(cuda, monkeypatch):
    pinned = []
    empty = torch.empty
    monkeypatch.setattr(
        "torch.empty", lambda *shape, pin_memory, **more: pinned.append(1) or empty(*shape, **more)
    )
    copy = _CopyBeside(CUDA)
    for step in (1.0, 2.0):
        copy.mark()
        cuda.note("the next step starts")
        with copy.beside():
            assert copy.read(torch.tensor([step, 7.0], dtype=torch.float64)) == [step, 7.0]
    once = [
        ("main", "event on", "main"),
        ("main", "side", "waits for", "main"),
        ("main", "the next step starts"),
        ("side", "event on", "side"),
        ("side", "host waits for", "side"),
    ]
    assert cuda.asked == once * 2
    assert pinned == [1]


class Graph:
    """A recording that is never played."""


def test_all_steps_are_recorded_on_one_stream(cuda, monkeypatch):
    """cuBLAS would keep a workspace for each."""
    monkeypatch.setattr("torch.cuda.CUDAGraph", Graph)
    for _ in range(5):
        capture_on_gpu(lambda: torch.ones(1))
    assert cuda.streams == 1


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_what_cannot_be_recorded_leaves_the_thread_on_its_stream(cuda, monkeypatch, calls):
    monkeypatch.setattr("torch.cuda.CUDAGraph", Graph)
    given = []

    def step():
        given.append(cuda.current)
        if len(given) == calls:
            raise RuntimeError("operation not permitted when stream is capturing")
        return torch.ones(1)

    with pytest.raises(RuntimeError, match="not permitted"):
        capture_on_gpu(step)
    assert (given, cuda.current) == (["side"] * calls, "main")


def test_a_step_runs_twice_before_it_is_recorded(cuda, monkeypatch):
    class Graph:
        def replay(self):
            cuda.note("replay")

    monkeypatch.setattr("torch.cuda.CUDAGraph", Graph)
    result = torch.ones(1)

    def step():
        cuda.note("step")
        return result

    replay = capture_on_gpu(step)
    assert replay() is result
    assert cuda.asked == [
        ("main", "side", "waits for", "main"),
        ("side", "step"),
        ("side", "step"),
        ("main", "main", "waits for", "side"),
        ("side", "recording"),
        ("side", "step"),
        ("side", "recorded"),
        ("main", "replay"),
    ]
