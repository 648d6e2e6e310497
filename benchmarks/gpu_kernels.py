"""Where the time of one step goes: its kernels by time, and the gaps between them.

Must never change a model: the same step runs at the same position again and again.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from core.models.gpt2.model import Gpt2Model

_REPEATED = 20
_SHOWN = 15


def replay_seconds(model: Gpt2Model, rows: int) -> float:
    """Return the seconds of one step without anything between steps: the best of three series."""
    best = float("inf")
    for _ in range(3):
        _decode(model, rows, 1)
        began = time.perf_counter()
        _decode(model, rows, _REPEATED)
        best = min(best, (time.perf_counter() - began) / _REPEATED)
    return best


def kernel_table(model: Gpt2Model, rows: int, device: str) -> dict[str, Any]:
    """Return the kernels of one step by time, how many there are, and their sum in seconds."""
    is_cuda = device.startswith("cuda")
    activity = ProfilerActivity.CUDA if is_cuda else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        _decode(model, rows, _REPEATED)
    found = []
    for event in profiler.key_averages():
        time_us = event.self_device_time_total if is_cuda else event.self_cpu_time_total
        if time_us:
            found.append((time_us / _REPEATED, event.count / _REPEATED, event.key))
    found.sort(reverse=True)
    return {
        "kernel_s": sum(time_us for time_us, _, _ in found) / 1e6,
        "kernel_count": sum(count for _, count, _ in found),
        "kernels": [
            {"name": name[:90], "count": count, "us": time_us}
            for time_us, count, name in found[:_SHOWN]
        ],
    }


def _decode(model: Gpt2Model, rows: int, times: int) -> None:
    """Decode the same position ``times`` times, without waiting in between."""
    tokens = torch.ones(rows, dtype=torch.int64, device=model.device)
    for _ in range(times):
        model._torch.decode(model._cache, tokens)
        model._cache.take_back()
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
