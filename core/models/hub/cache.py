"""The Hugging Face cache as it lies on disk: which models are whole, and what they are.

Must never contact a network, import a model library or huggingface_hub, or change a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files.reading import FileError, read_text
from core.models.hub.weights import check_weights, read_json, safetensors_parameters
from core.records.errors import PlaygroundError

ALIASES = {
    name: f"openai-community/{name}" for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")
}
"""Short names that the hub knows by an owner's name now; a cache may hold either."""

BUNDLED = "demo"
"""The name that means the model in this program, never one on the hub."""

TOKENIZER_FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",))
"""Sets of files of which one is enough to have a tokenizer."""

SHORT_NAMES = {repository: name for name, repository in ALIASES.items()}
"""``ALIASES`` the other way round."""

_NAME = re.compile(r"(?:[A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_NAME = 96
_LONGEST_REFERENCE = 200  # bytes
_PREFIX = "models--"
_CAUSAL = ("ForCausalLM", "LMHeadModel")


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A causal language model that is complete in the cache."""

    name: str
    """What ``--model`` takes."""
    folder: Path
    size_on_disk: int
    """Bytes of all its files."""
    parameters: int
    architecture: str
    """The class that its config.json names, such as ``GPT2LMHeadModel``."""


def cache_folder() -> Path:
    """Return where the hub's files are kept, as HF_HUB_CACHE, HF_HOME and XDG_CACHE_HOME say."""
    home = os.environ.get("HF_HOME") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    )
    folder = (
        os.environ.get("HF_HUB_CACHE")
        or os.environ.get("HUGGINGFACE_HUB_CACHE")
        or str(Path(home) / "hub")
    )
    return Path(os.path.expandvars(folder)).expanduser()


def repository(name: str) -> str:
    """Return the repository on the hub that ``name`` means, such as ``openai-community/gpt2-xl``.

    Raises:
        PlaygroundError: No repository can have that name.
    """
    if name == BUNDLED:
        raise PlaygroundError(f"{BUNDLED!r} comes with this program; there is nothing to download")
    if name.startswith(("/", ".", "~")) or "\\" in name:
        raise PlaygroundError(
            f"{name!r} is the path of a folder; only a name such as 'gpt2-xl' is downloaded"
        )
    if not _is_valid(name):
        raise PlaygroundError(
            f"{name!r} is no name on the hub; it has the form 'name' or 'owner/name', "
            "of letters, digits, '-', '_' and '.', with at most 96 characters"
        )
    return ALIASES.get(name, name)


def repository_folder(repository_name: str) -> Path:
    """Return where the cache keeps, or would keep, a repository."""
    return cache_folder() / (_PREFIX + repository_name.replace("/", "--"))


def find_cached(name: str) -> Path | None:
    """Return the folder of the model ``name`` in the cache, or ``None`` unless it is complete.

    Complete means a config.json, whole safetensors weights and a tokenizer. What ``refs/main``
    points to comes first, then any other complete snapshot. ``gpt2-xl`` and
    ``openai-community/gpt2-xl`` are the same model.
    """
    try:
        target = repository(name)
    except PlaygroundError:
        return None
    for spelling in (target, SHORT_NAMES.get(target)):
        if spelling is not None:
            folder = _complete_snapshot(repository_folder(spelling))
            if folder is not None:
                return folder
    return None


def cached_models() -> tuple[CachedModel, ...]:
    """Return the complete causal language models in the cache, by name.

    What is damaged, half downloaded or of another kind is left out.
    """
    models: dict[str, CachedModel] = {}
    for folder in _folders(cache_folder()):
        if folder.name.startswith(_PREFIX):
            model = _cached_model(folder)
            if model is not None:
                models.setdefault(model.name, model)
    return tuple(models[name] for name in sorted(models))


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in ``folder``, links followed, each file counted once."""
    files = {}
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except OSError:  # a link to nowhere takes no space
            continue
        if path.is_file():
            files[(status.st_dev, status.st_ino)] = status.st_size
    return sum(files.values())


def is_complete(folder: Path) -> bool:
    """Return whether ``folder`` holds a whole model: config.json, weights and a tokenizer."""
    try:
        read_json(folder / "config.json")
        check_weights(folder)
    except (PlaygroundError, OSError):
        return False
    return any(all((folder / name).is_file() for name in names) for names in TOKENIZER_FILES)


def causal_architecture(config: dict[str, Any]) -> str | None:
    """Return the class named in a config.json if it is a causal language model, else ``None``."""
    names = config.get("architectures")
    # An encoder-decoder such as T5WithLMHeadModel continues no text by itself.
    if not isinstance(names, list) or config.get("is_encoder_decoder") is True:
        return None
    causal = (name for name in names if isinstance(name, str) and name.endswith(_CAUSAL))
    return next((name for name in causal if not name.startswith("T5")), None)


def _is_valid(name: str) -> bool:
    parts = name.split("/")
    return (
        len(name) <= _LONGEST_NAME
        and _NAME.fullmatch(name) is not None
        and "--" not in name
        and ".." not in name
        and not any(part[0] in "-." or part[-1] in "-." for part in parts)
        and not name.endswith((".git", ".ipynb"))
    )


def _complete_snapshot(folder: Path) -> Path | None:
    return next((snapshot for snapshot in _snapshots(folder) if is_complete(snapshot)), None)


def _snapshots(folder: Path) -> Iterator[Path]:
    """Yield the snapshots of a repository's folder: that of ``main``, then the newest first."""
    snapshots = folder / "snapshots"
    try:
        main = read_text(folder / "refs" / "main", _LONGEST_REFERENCE).strip()
    except FileError:
        main = ""
    if _COMMIT.fullmatch(main):
        yield snapshots / main
    others = [path for path in _folders(snapshots) if path.name != main]
    yield from sorted(others, key=_changed, reverse=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _cached_model(folder: Path) -> CachedModel | None:
    name = folder.name.removeprefix(_PREFIX).replace("--", "/")
    snapshot = _complete_snapshot(folder)
    if snapshot is None or not _is_valid(name):
        return None
    try:
        architecture = causal_architecture(read_json(snapshot / "config.json"))
        if architecture is None:
            return None
        parameters = safetensors_parameters(snapshot)
    except PlaygroundError:  # taken away or damaged since it was found complete
        return None
    short = SHORT_NAMES.get(name, name)
    shown = name if Path(short).is_dir() else short  # where the short one means a folder
    return CachedModel(shown, snapshot, folder_size(snapshot), parameters, architecture)
