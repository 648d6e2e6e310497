"""What this machine has to run a model on: its processor, and the GPUs that can serve.

Must never look at a device that nobody asked for: to look at a GPU starts its driver, takes memory
from it, and fails where it is broken. Nor may one that is stop a model from running elsewhere.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psutil
import torch

_LONGEST_REASON = 160


@dataclass(frozen=True, slots=True)
class Device:
    """A place where a model can run. ``free_bytes`` is what it can still hold.

    ``native_dtype`` is the dtype that suits it: 16-bit on a GPU, float32 on a processor.
    ``obstacle`` is a phrase that says why it cannot be used, empty where it can.
    """

    name: str
    free_bytes: int
    native_dtype: str
    obstacle: str = ""


def devices_of_this_machine(device: str = "auto") -> list[Device]:
    """Return what ``device`` may mean, GPUs first, with the memory they have free now.

    It is ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``. The processor always stands last.
    """
    kind, _, index = device.partition(":")
    found: list[Device] = []
    # What torch warns of would be written over the app; it is what is told as an obstacle.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if kind in ("auto", "cuda"):
            found += _cards(int(index) if index else None)
        if kind in ("auto", "mps") and torch.backends.mps.is_available():
            found.append(_looked_at("mps", _apple_gpu))
    if not found and warned:
        found.append(Device("cuda", 0, "", _phrase(warned[0].message)))
    return [*found, Device("cpu", psutil.virtual_memory().available, "float32")]


def _cards(wanted: int | None) -> list[Device]:
    """Return CUDA's cards, or only the wanted one, where there is one of that number."""
    try:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    except Exception as error:  # a driver fails in ways of its own
        return [Device("cuda", 0, "", _phrase(error))]
    indices = [wanted] if wanted is not None and wanted < count else range(count)
    return [_looked_at(f"cuda:{index}", partial(_card, index)) for index in indices]


def _looked_at(name: str, look: Callable[[], Device]) -> Device:
    try:
        return look()
    except Exception as error:  # as above: it is broken, full, or another program's alone
        return Device(name, 0, "", _phrase(error))


def _card(index: int) -> Device:
    name, capability = f"cuda:{index}", torch.cuda.get_device_capability(index)
    kernels = _kernels()
    if kernels and not any(one.runs_on(capability) for one in kernels):
        made_for = ", ".join(dict.fromkeys(f"{one.major}.{one.minor}" for one in kernels))
        has = f"its compute capability is {capability[0]}.{capability[1]}"
        return Device(name, 0, "", f"{has}, and this torch has kernels for {made_for}")
    free, _total = torch.cuda.mem_get_info(index)
    return Device(name, free, "bfloat16" if capability >= (8, 0) else "float16")


def _apple_gpu() -> Device:
    limit = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return Device("mps", min(limit, psutil.virtual_memory().available), "float16")


@dataclass(frozen=True, slots=True)
class _Kernels:
    """What torch was compiled for: a card's own code, or text that the driver compiles.

    ``is_for_one`` is whether they run on just that compute capability.
    """

    major: int
    minor: int
    is_text: bool
    is_for_one: bool

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Whether a card of this compute capability runs them; see CUDA's compatibility notes."""
        own = (self.major, self.minor)
        if self.is_for_one:
            return own == capability
        return own <= capability and (self.is_text or self.major == capability[0])


def _kernels() -> list[_Kernels]:
    """Return what this torch has kernels for; nothing where it does not tell, as on AMD's cards."""
    try:
        names = torch.cuda.get_arch_list()
    except Exception:  # then the card itself will tell
        return []
    found = [re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name) for name in names]
    return [
        _Kernels(int(one[2]), int(one[3]), one[1] == "compute", one[4] == "a")
        for one in found
        if one
    ]


def _phrase(error: object) -> str:
    """Return the beginning of an error's first line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:_LONGEST_REASON].rstrip(". ")
