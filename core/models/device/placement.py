"""Which device and dtype a model gets, decided from sizes before anything is loaded.

Must never read a weight, nor look at a device that nobody asked for: sizes go in, a decision and
its reason come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.models.device.found import Device, devices_of_this_machine
from core.records.errors import PlaygroundError

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.int8,
}
"""int8 is never chosen for anybody: it changes what a model says."""

_CACHE_BYTES = {"int8": 2}
"""Of an element of the key-value cache, where it is not the weights' dtype."""

DTYPE_NAMES = ("auto", *DTYPES)
DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")

_SIBLINGS = {
    "gpt2-xl": 1_557_611_200,
    "gpt2-large": 774_030_080,
    "gpt2-medium": 354_823_168,
    "gpt2": 124_439_808,
}
"""The GPT-2 family with its parameters, largest first: what to name when a model is too large."""

SMALL_PARAMETERS = 20_000_000
"""Below this a model stays on the processor where nobody asks for a GPU.

There it writes hundreds to thousands of tokens a second at once, faster than anybody reads; on a
GPU each step would wait for launches, and the first one for its libraries to start.
"""

_OVERHEAD = 1.05
"""Activations and the allocator's rounding, as a factor of weights and cache."""

_CUDA_CONTEXT_BYTES = 600 * 2**20
"""What a CUDA context, its kernels and cuBLAS's workspace take from a GPU."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What decides how much memory a model takes.

    ``cache_elements`` is the key-value cache's size at full context, in elements.
    """

    name: str
    parameters: int
    cache_elements: int

    def needed_bytes(self, dtype: str, device: str) -> int:
        """Return the bytes that weights and one full cache take in ``dtype`` on ``device``."""
        size = DTYPES[dtype].itemsize
        cache_bytes = self.cache_elements * _CACHE_BYTES.get(dtype, size)
        needed = int((self.parameters * size + cache_bytes) * _OVERHEAD)
        return needed + (_CUDA_CONTEXT_BYTES if device.startswith("cuda") else 0)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model goes, in which dtype; ``reason`` is a phrase for a person."""

    device: torch.device
    dtype: torch.dtype
    reason: str


def place(
    size: ModelSize, device: str = "auto", dtype: str = "auto", devices: Sequence[Device] = ()
) -> Placement:
    """Decide where a model of ``size`` runs.

    Args:
        size: The model's.
        device: ``auto``, ``cpu``, ``cuda`` (the GPU with most free memory), ``cuda:N`` or ``mps``.
        dtype: ``auto`` or a name in ``DTYPES``.
        devices: What there is; the processor stands last. Where empty, those are looked at that
            the other arguments may mean.

    Raises:
        PlaygroundError: A name is unknown, the device is not there, cannot be used or has no such
            dtype, or the model does not fit; the sentence then names what would.
    """
    check_names(device, dtype)
    devices = list(devices) or _looked_at(size, device, dtype)
    if dtype == "int8":
        if device not in ("auto", "cpu"):
            raise PlaygroundError(
                f"int8 weights run on the processor alone, not on {device}; use --device cpu, or"
                " --dtype bfloat16"
            )
        devices = devices[-1:]
    matching = _matching(devices, device, is_small=size.parameters < SMALL_PARAMETERS)
    wanted = [one for one in matching if not one.obstacle]
    if not wanted:
        first = matching[0]
        raise PlaygroundError(f"{first.name} cannot be used: {first.obstacle}; use --device cpu")
    for candidate in wanted:
        if _fits(size, candidate, dtype):
            chosen = candidate.native_dtype if dtype == "auto" else dtype
            reason = _reason(candidate, chosen, device, dtype, devices, size)
            return Placement(torch.device(candidate.name), DTYPES[chosen], reason)
    raise PlaygroundError(_too_large(size, wanted[-1], dtype))


def _looked_at(size: ModelSize, device: str, dtype: str) -> list[Device]:
    if device == "auto" and (dtype == "int8" or size.parameters < SMALL_PARAMETERS):
        processor = devices_of_this_machine("cpu")
        if dtype == "int8" or _fits(size, processor[0], dtype):
            return processor
    return devices_of_this_machine(device)


def _fits(size: ModelSize, device: Device, dtype: str) -> bool:
    chosen = device.native_dtype if dtype == "auto" else dtype
    return size.needed_bytes(chosen, device.name) <= device.free_bytes


def check_names(device: str, dtype: str) -> None:
    """Check the names a person typed, before any device is looked for.

    Raises:
        PlaygroundError: One of them is no device or dtype.
    """
    kind, _, index = device.partition(":")
    if kind not in DEVICE_NAMES or (index and not (kind == "cuda" and index.isdecimal())):
        raise PlaygroundError(f"unknown device {device!r}; use auto, cuda, cuda:N, mps or cpu")
    if dtype not in DTYPE_NAMES:
        raise PlaygroundError(f"unknown dtype {dtype!r}; use one of {', '.join(DTYPE_NAMES)}")


def _matching(devices: Sequence[Device], wanted: str, *, is_small: bool) -> list[Device]:
    """Return the devices that ``wanted`` allows, for a model that ``is_small`` or not.

    The preferred stands first.
    """
    by_memory = sorted(devices[:-1], key=lambda one: -one.free_bytes)
    if wanted == "auto":
        return [devices[-1], *by_memory] if is_small else [*by_memory, devices[-1]]
    found = [
        one for one in (*by_memory, devices[-1]) if wanted in (one.name, one.name.partition(":")[0])
    ]
    if not found:
        present = ", ".join(one.name for one in devices)
        raise PlaygroundError(f"there is no device {wanted!r} on this machine; it has {present}")
    return found


def _reason(
    chosen: Device,
    dtype_name: str,
    device: str,
    dtype: str,
    devices: Sequence[Device],
    size: ModelSize,
) -> str:
    gpus = [one for one in devices[:-1] if not one.obstacle]
    left_out = [f"; {one.name} cannot be used: {one.obstacle}" for one in devices if one.obstacle]
    if device != "auto":
        where = f"{chosen.name} as asked for"
    elif chosen.name != "cpu":
        where = f"{chosen.name} has the most free memory, {_gigabytes(chosen.free_bytes)}"
    elif dtype == "int8":
        where = "the processor, where alone int8 runs"
    elif size.parameters < SMALL_PARAMETERS:
        where = "the processor, since the model is small"
    elif gpus:
        most = max(gpus, key=lambda one: one.free_bytes)
        needed = size.needed_bytes(most.native_dtype if dtype == "auto" else dtype, most.name)
        where = (
            f"the processor, since {most.name} has {_gigabytes(most.free_bytes)} free"
            f" of the {_gigabytes(needed)} needed"
        )
    else:
        where = f"the processor, since there is no GPU{' that can serve' if left_out else ''}"
    what = f"{dtype_name} as asked for" if dtype != "auto" else f"{dtype_name} suits it"
    return f"{where}; {what}{''.join(left_out)}"


def _too_large(size: ModelSize, device: Device, dtype: str) -> str:
    chosen = device.native_dtype if dtype == "auto" else dtype
    needed = size.needed_bytes(chosen, device.name)
    sentence = (
        f"{size.name} needs {_gigabytes(needed)} in {chosen}, and {device.name} has"
        f" {_gigabytes(device.free_bytes)} free; "
    )
    for smaller in ("bfloat16", "float16"):
        if DTYPES[smaller].itemsize < DTYPES[chosen].itemsize:
            if size.needed_bytes(smaller, device.name) <= device.free_bytes:
                return sentence + f"--dtype {smaller} would fit"
            break
    for sibling, parameters in _SIBLINGS.items():
        cache = size.cache_elements * parameters // max(size.parameters, 1)
        smaller_size = ModelSize(sibling, parameters, cache)
        fits = smaller_size.needed_bytes(chosen, device.name) <= device.free_bytes
        if parameters < size.parameters and fits:
            return sentence + f"--model {sibling} would fit"
    return sentence + "close other programs, or use --model demo"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
