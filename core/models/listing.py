"""The models that can be picked: the bundled one, those in the cache, and some worth fetching.

Must never import a model library, read a weight, or reach a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.models.catalog import BYTES_TO_FETCH, DEMO, is_to_fetch, model_folder
from core.models.hub.cache import cached_models, folder_size
from core.models.hub.errors import format_bytes
from core.models.hub.weights import safetensors_parameters
from core.records.errors import PlaygroundError

__all__ = [
    "BYTES_TO_FETCH",
    "DEMO",
    "AvailableModel",
    "available_models",
    "check_model",
    "format_bytes",
    "is_to_fetch",
]


@dataclass(frozen=True, slots=True)
class AvailableModel:
    """A model by the name that ``--model`` takes.

    ``size`` is in bytes: on disk where it is here, else what would come. ``parameters`` is
    ``None`` where only a fetch would tell.
    """

    name: str
    size: int
    parameters: int | None
    is_here: bool


def check_model(name: str) -> None:
    """Check that ``name`` is the bundled model, a folder with a model, or whole in the cache.

    Raises:
        PlaygroundError: It is none of them.
    """
    model_folder(name)


def available_models(used: Sequence[str] = ()) -> tuple[AvailableModel, ...]:
    """Return the bundled model, then the cache's by name, then those to fetch, smallest first.

    Those of ``used`` that are not among them, such as folders, come after the cache's.
    """
    demo = model_folder(DEMO)
    here = [AvailableModel(DEMO, folder_size(demo), safetensors_parameters(demo), True)]
    here += [
        AvailableModel(model.name, model.size_on_disk, model.parameters, True)
        for model in cached_models()
    ]
    names = {model.name for model in here}
    here += [model for name in used if name not in names and (model := _at_hand(name)) is not None]
    names.update(used)
    to_fetch = [
        AvailableModel(name, size, None, False)
        for name, size in BYTES_TO_FETCH.items()
        if name not in names
    ]
    return (*here, *to_fetch)


def _at_hand(name: str) -> AvailableModel | None:
    """Return a model by its name or folder; ``None`` where it is not there any more."""
    try:
        folder = model_folder(name)
        return AvailableModel(name, folder_size(folder), safetensors_parameters(folder), True)
    except PlaygroundError:
        return None
