"""The backend that runs a model in this process.

Must never import torch before ``load`` is called: the app holds a backend before its first paint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.backends.base import ModelInfo, Request
from core.steps import Event

if TYPE_CHECKING:
    from core.models.loading import LoadedModel


class LocalBackend:
    """Runs one model of this machine; see ``Backend``.

    ``model`` is a name or folder, ``None`` for the default; ``device`` and ``dtype`` are torch's
    names or ``auto``.
    """

    def __init__(self, model: str | None = None, device: str = "auto", dtype: str = "auto") -> None:
        self._name = model
        self._device = device
        self._dtype = dtype
        self._loaded: LoadedModel | None = None

    def load(self, report: Callable[[str], None]) -> ModelInfo:
        """See ``Backend``."""
        report("starting torch and transformers")
        from core.models.loading import DEMO, load_model

        loaded = load_model(self._name or DEMO, self._device, self._dtype, report)
        self._loaded = loaded
        module = loaded.model.module
        return ModelInfo(
            name=loaded.name,
            device=str(loaded.model.device),
            dtype=str(module.dtype).removeprefix("torch."),
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            context_size=loaded.model.context_size,
            vocabulary_size=loaded.model.vocabulary_size,
        )

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """See ``Backend``."""
        from core.engine import generate

        if self._loaded is None:
            raise RuntimeError("load() comes first")
        return generate(self._loaded.model, self._loaded.codec, request, is_cancelled)

    def close(self) -> None:
        """See ``Backend``."""
        self._loaded = None
