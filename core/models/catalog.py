"""Which model runs: names to folders on this machine, and what stands in for a missing one.

Must never import torch or transformers, read a weight, or reach a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.models.hub.cache import SHORT_NAMES, find_cached, repository
from core.records.errors import PlaygroundError
from core.records.model_info import ModelOrigin

DEMO = "demo"
"""The name of the bundled model."""

PREFERRED = "gpt2-xl"
"""The model that runs where nobody asks for another."""

BYTES_TO_FETCH = {
    "gpt2": 550_000_000,
    "gpt2-medium": 1_520_000_000,
    "gpt2-large": 3_250_000_000,
    "gpt2-xl": 6_430_000_000,
}
"""The models that are offered where they are not here, with the bytes that come for each."""

_SHOWN = 100
"""Of a longer name, a sentence has this many characters."""

_DEMO_FOLDER = Path(__file__).parent / "demo"


@dataclass(frozen=True, slots=True)
class FoundModel:
    """Where on this machine a model lies."""

    name: str
    """What it is called from any working folder: one in a folder by the folder's whole path."""
    folder: Path
    origin: ModelOrigin
    revision: str = ""
    """The commit of its repository, of a model in the cache."""


def default_model() -> str:
    """Return the preferred model where it is complete on this machine, else the bundled one.

    A folder that happens to have the preferred one's name does not take its place.
    """
    if find_cached(PREFERRED) is None:
        return DEMO
    return PREFERRED if not Path(PREFERRED).is_dir() else repository(PREFERRED)


def is_to_fetch(name: str) -> bool:
    """Return whether ``name`` can be on a hub and is neither a folder nor whole in the cache."""
    if name == DEMO:
        return False
    try:
        repository(name)
    except PlaygroundError:
        return False
    return not Path(name).is_dir() and find_cached(name) is None


def model_folder(name: str) -> Path:
    """Return the folder of the model ``name``; see ``find_model``."""
    return find_model(name).folder


def find_model(name: str) -> FoundModel:
    """Return where the model ``name`` lies: ``demo``, a folder, or a name in the cache.

    Raises:
        PlaygroundError: There is no such folder, or the cache does not hold the model whole.
    """
    if name == DEMO:
        return FoundModel(DEMO, _DEMO_FOLDER, "bundled")
    folder = _existing_folder(name)
    if folder is not None:
        if not (folder / "config.json").is_file():
            raise PlaygroundError(
                f"the folder {name!r} holds no config.json; name a folder that save_pretrained()"
                " has written"
            )
        return FoundModel(_whole(folder), folder, "folder")
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise PlaygroundError(f"there is no folder {name!r}; name a folder with a saved model")
    cached = find_cached(name)
    if cached is None:
        raise PlaygroundError(
            f"{name!r} is not on this machine; fetch it with: gpt2-playground download {name}"
        )
    return FoundModel(name, cached, "cache", cached.name)


def namesake(name: str) -> str:
    """Return which other model ``name`` could mean, and how to name that one; or nothing."""
    if name == DEMO:
        is_folder = (Path(DEMO) / "config.json").is_file()
        folder = f"{DEMO!r} is the bundled model; the folder of that name is --model ./{DEMO}"
        return folder if is_folder else ""
    if _existing_folder(name) is None or find_cached(name) is None:
        return ""
    spellings = (repository(name), SHORT_NAMES.get(name, name))
    other = next((one for one in spellings if not Path(one).is_dir()), "")
    how = f"which is --model {other}" if other else "which is used where there is no such folder"
    return f"{name!r} is a folder here, which is used, and a model in the cache, {how}"


def _existing_folder(name: str) -> Path | None:
    """Return the folder that ``name`` is the path of, ``None`` where there is no such folder.

    Raises:
        PlaygroundError: The system refuses the name.
    """
    try:
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError) as error:  # too long, forbidden; a home folder of nobody
        reason = error.strerror if isinstance(error, OSError) else "nobody has that home folder"
        raise PlaygroundError(
            f"the folder {_shortened(name)!r} cannot be read: {reason}; name a folder with a saved"
            " model"
        ) from None


def _whole(folder: Path) -> str:
    """Return the whole path of a folder, through the links by which it was named."""
    whole = folder.absolute()
    return str(whole.resolve() if ".." in whole.parts else whole)


def _shortened(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
