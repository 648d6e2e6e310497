"""What becomes of a model that is being made ready, told as it happens.

Must never hold a model: whoever waits for one reads these.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.records.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being made ready: what happens now, and the share done, 0 to 1, if known."""

    stage: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A model answers from now on."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A model could not be had; ``message`` says why and what to do.

    Where another model ran before, ``falls_back`` is true: that one is loaded again, and its
    ``Ready`` (or another ``LoadFailed``) follows.
    """

    message: str
    falls_back: bool = False
