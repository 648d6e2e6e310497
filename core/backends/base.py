"""The seam between a generation and whoever shows it.

Must never import torch: the app and its tests hold a backend without loading a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from core.settings import Settings
from core.steps import Event


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a person should know of the model that answers.

    ``device`` and ``dtype`` are torch's names; ``note`` is a sentence on why this model runs.
    """

    name: str
    device: str
    dtype: str
    parameters: int
    context_size: int
    vocabulary_size: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One run: the document's token ids, the text to append to them, and how to decode.

    ``context_token_ids`` are the document so far, as generated, never re-encoded.
    """

    prompt: str
    settings: Settings
    context_token_ids: tuple[int, ...] = ()


class Backend(Protocol):
    """Something that turns requests into events. All calls come from one thread."""

    def load(self, report: Callable[[str], None]) -> ModelInfo:
        """Make ready; ``report`` takes a short word on what is happening now.

        Raises:
            PlaygroundError: The model cannot be had; the sentence says what to do.
        """
        ...

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yield ``Started``, then steps, then exactly one ``Finished``.

        ``is_cancelled`` is asked before every step.

        Raises:
            PlaygroundError: The request cannot be run; raised before ``Started``.
        """
        ...

    def close(self) -> None:
        """Release the model."""
        ...
