"""Models from a hub: found in the cache, fetched into it, with progress and at any time stopped.

huggingface_hub is imported only where something is fetched, and torch never: looking a model up
costs no import. Must never fetch without being asked, nor fetch anything but data.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.models.hub.cache import (
    CachedModel,
    cached_models,
    find_cached,
    folder_size,
    repository,
)
from core.models.hub.errors import DownloadCancelled, format_bytes, no_answer, offline
from core.models.hub.transfer import Transfer
from core.models.hub.weights import safetensors_parameters
from core.records.errors import PlaygroundError

DEFAULT_ENDPOINT = "https://huggingface.co"

_FIRST_ANSWER = 12.0  # seconds; a name server alone may take longer to say nothing
_LOOK_EVERY = 0.1  # seconds between two looks at a download
_REPORT_EVERY = 1.0  # seconds after which an unchanged state is reported again: speeds fall
_SPEED_OVER = 5.0  # seconds
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download has come."""

    name: str
    """As the user wrote it."""
    bytes_done: int
    """Bytes on disk, those of earlier downloads included."""
    bytes_total: int
    bytes_per_second: float
    """Over the last seconds, of what came over the network."""
    seconds_left: float | None
    """``None`` while nothing comes."""
    file: str
    """The file that is being fetched."""


Report = Callable[[DownloadProgress], None]


def endpoint() -> str:
    """Return the address of the hub, as HF_ENDPOINT says."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def download(
    name: str, report: Report, is_cancelled: Callable[[], bool], revision: str = "main"
) -> Path:
    """Fetch the model ``name`` into the Hugging Face cache and return its folder.

    Only safetensors weights, the config and the tokenizer come. What an earlier download left is
    continued. ``report`` and ``is_cancelled`` are called from the caller's thread, about ten times
    a second.

    Raises:
        DownloadCancelled: ``is_cancelled`` said so; what has come is kept.
        PlaygroundError: The name, the network, the hub or the disk is at fault.
    """
    target = repository(name)
    if not _REVISION.fullmatch(revision) or ".." in revision or revision.endswith(("/", ".lock")):
        raise PlaygroundError(f"{revision!r} is no revision; use a branch, a tag or a commit")
    transfer = Transfer(name, target, revision, endpoint())
    if _is_offline():
        cached = find_cached(name)
        if cached is None:
            raise offline(transfer.attempt)
        return cached
    transfer.start()
    try:
        _watch(name, transfer, report, is_cancelled)
    finally:
        transfer.abandon()
    return transfer.result()


def _watch(name: str, transfer: Transfer, report: Report, is_cancelled: Callable[[], bool]) -> None:
    """Report on ``transfer`` until it is done.

    Raises:
        DownloadCancelled: ``is_cancelled`` said so.
        PlaygroundError: The hub has not said anything in time.
    """
    began = time.monotonic()
    meter = Meter(name, transfer)
    is_done = False
    while not is_done:
        is_done = transfer.wait(_LOOK_EVERY)
        if not is_done and is_cancelled():
            raise DownloadCancelled(_cancelled(name, transfer))
        now = time.monotonic()
        progress = meter.read(now, is_last=is_done)
        if progress is not None:
            report(progress)
        elif not (transfer.has_answer or is_done) and now - began > _FIRST_ANSWER:
            raise no_answer(transfer.attempt, _FIRST_ANSWER)


def _cancelled(name: str, transfer: Transfer) -> str:
    total = transfer.bytes_total
    if total is None or not transfer.bytes_done:
        return f"the download of {name!r} was cancelled before anything came"
    return (
        f"the download of {name!r} was cancelled; the {format_bytes(transfer.bytes_done)} of "
        f"{format_bytes(total)} that have come are kept, and the next download goes on from there"
    )


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


class Meter:
    """Turns the counts of a transfer into progress: how fast, how long still."""

    def __init__(self, name: str, transfer: Transfer) -> None:
        self._name = name
        self._transfer = transfer
        self._samples: deque[tuple[float, int]] = deque()
        self._last: tuple[int, str] | None = None
        self._last_time = 0.0

    def read(self, now: float, *, is_last: bool = False) -> DownloadProgress | None:
        """Return the progress at ``now`` (seconds); ``None`` where there is nothing new to say."""
        total = self._transfer.bytes_total
        if total is None:
            return None
        self._samples.append((now, self._transfer.bytes_fetched))
        while len(self._samples) > 2 and self._samples[0][0] < now - _SPEED_OVER:
            self._samples.popleft()
        state = (self._transfer.bytes_done, self._transfer.file)
        if state == self._last and not is_last and now - self._last_time < _REPORT_EVERY:
            return None
        self._last, self._last_time = state, now
        speed = self._speed()
        left = (total - state[0]) / speed if speed > 0 else None
        return DownloadProgress(self._name, state[0], total, speed, left, state[1])

    def _speed(self) -> float:
        (first_time, first), (last_time, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_time - first_time) if last_time > first_time else 0.0


__all__ = [
    "CachedModel",
    "DownloadCancelled",
    "DownloadProgress",
    "cached_models",
    "download",
    "endpoint",
    "find_cached",
    "folder_size",
    "format_bytes",
    "repository",
    "safetensors_parameters",
]
