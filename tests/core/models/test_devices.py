"""Which devices are looked at, and that one which cannot serve is left out, with the reason."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import torch

from core.models.device.found import devices_of_this_machine
from core.models.device.placement import ModelSize, place
from core.records.errors import PlaygroundError

GB = 2**30
SIZE = ModelSize("a model", 50_000_000, 2**20)
KERNELS = ["sm_75", "sm_80", "sm_86", "sm_90", "compute_90"]


@pytest.fixture
def cards(monkeypatch):
    """Stand-ins for CUDA's cards: each an error, or its capability and free memory."""
    looked = []
    there = []

    def look(index, what):
        looked.append(index)
        if isinstance(there[index], Exception):
            raise there[index]
        return there[index][what]

    def put(*given):
        there[:] = given
        return looked

    cuda = {
        "is_available": lambda: bool(there),
        "device_count": lambda: len(there),
        "get_arch_list": lambda: KERNELS,
        "get_device_capability": lambda index: look(index, 0),
        "mem_get_info": lambda index: (look(index, 1), 80 * GB),
    }
    for name, stand_in in cuda.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return put


def refuse(*given):
    raise AssertionError("nobody asked for it")


@pytest.mark.parametrize("asked", [("cpu", "auto"), ("auto", "int8"), ("cpu", "int8")])
def test_the_processor_is_had_without_a_look_at_gpus(cards, monkeypatch, asked):
    cards(((9, 0), 80 * GB))
    for name in ("is_available", "device_count", "get_device_capability", "mem_get_info"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    monkeypatch.setattr(torch.backends.mps, "is_available", refuse)
    assert place(SIZE, *asked).device.type == "cpu"
    small = ModelSize("a small model", 1000, 1000)
    assert place(small).reason.startswith("the processor, since the model is small")


def test_only_the_card_that_is_asked_for_is_looked_at(cards, monkeypatch):
    looked = cards(RuntimeError("broken"), ((9, 0), 80 * GB))
    monkeypatch.setattr(torch.backends.mps, "is_available", refuse)
    assert str(place(SIZE, "cuda:1").device) == "cuda:1"
    assert set(looked) == {1}


def test_to_ask_for_apples_gpu_starts_no_cuda(cards, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", refuse)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 8 * GB)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: GB)
    assert place(SIZE, "mps").device.type == "mps"


CANNOT_SERVE = {
    "full": (
        torch.OutOfMemoryError("CUDA error: out of memory\nmore"),
        "CUDA error: out of memory",
    ),
    "broken": (RuntimeError("CUDA error: unknown error."), "CUDA error: unknown error"),
    "no driver": (torch.cuda.DeferredCudaCallError("no driver"), "no driver"),
    "silent": (AssertionError(), "AssertionError"),
    "too old": (
        ((6, 1), 8 * GB),
        "its compute capability is 6.1, and this torch has kernels for 7.5, 8.0, 8.6, 9.0",
    ),
}


@pytest.mark.parametrize("kind", CANNOT_SERVE)
def test_a_card_that_cannot_serve_is_left_out_with_the_reason(cards, kind):
    card, obstacle = CANNOT_SERVE[kind]
    cards(card, ((9, 0), 40 * GB))
    placement = place(SIZE)
    assert str(placement.device) == "cuda:1"
    assert placement.reason.endswith(f"; cuda:0 cannot be used: {obstacle}")
    assert str(place(SIZE, "cuda").device) == "cuda:1"
    cards(card)
    placement = place(SIZE)
    assert placement.device.type == "cpu"
    assert placement.reason == (
        "the processor, since there is no GPU that can serve; float32 suits it;"
        f" cuda:0 cannot be used: {obstacle}"
    )
    for asked in ("cuda", "cuda:0"):
        with pytest.raises(PlaygroundError) as told:
            place(SIZE, asked)
        assert str(told.value) == f"cuda:0 cannot be used: {obstacle}; use --device cpu"


@pytest.mark.parametrize(
    ("capability", "kernels", "serves"),
    [
        ((8, 9), ["sm_86"], True),  # the same generation's later cards
        ((8, 0), ["sm_86"], False),
        ((12, 0), ["sm_90"], False),
        ((12, 0), ["sm_90", "compute_90"], True),  # the driver compiles for it
        ((9, 0), ["sm_90a"], True),
        ((10, 3), ["sm_100f"], True),
        ((12, 1), ["sm_120"], True),
        ((10, 3), ["sm_100a"], False),
        ((9, 4), ["gfx942"], True),  # AMD's are named otherwise
        ((3, 5), [], True),
    ],
)
def test_kernels_that_a_card_runs(cards, monkeypatch, capability, kernels, serves):
    cards((capability, 8 * GB))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: kernels)
    assert (devices_of_this_machine()[0].obstacle == "") is serves


def test_an_apple_gpu_that_cannot_serve(cards, monkeypatch):
    def fail():
        raise RuntimeError("MPS backend is broken")

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", fail)
    assert place(SIZE).reason.endswith("; mps cannot be used: MPS backend is broken")
    with pytest.raises(PlaygroundError, match="mps cannot be used: MPS backend is broken; use"):
        place(SIZE, "mps")


def test_what_cuda_warns_of_is_told_and_not_written(cards, monkeypatch, recwarn):
    def available():
        warnings.warn("The NVIDIA driver on your system is too old (found 11040).", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", available)
    assert "too old (found 11040)" in place(SIZE).reason
    with pytest.raises(PlaygroundError, match=r"cuda cannot be used: The NVIDIA driver .* too old"):
        place(SIZE, "cuda")
    assert not recwarn.list


def test_a_run_on_the_processor_starts_no_cuda():
    """Neither while the program loads a model nor while it runs, by whatever library."""
    code = """if True:
        import torch
        def refuse(*given, **named):
            raise SystemExit("CUDA was started")
        for name in ("_lazy_init", "init", "mem_get_info", "get_device_capability"):
            setattr(torch.cuda, name, refuse)
        torch.cuda.is_available = lambda: True
        torch.cuda.device_count = lambda: 1
        from tui.cli.commands import main
        main()
    """
    given = ["generate", "Once", "--device", "cpu", "--engine", "fast", "--set", "max_new_tokens=3"]
    done = subprocess.run(
        [sys.executable, "-c", code, *given], capture_output=True, text=True, check=False
    )
    assert "CUDA was started" not in done.stderr
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr
