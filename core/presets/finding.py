"""Where presets come from, and the names by which the rest of the program knows them.

Must never import torch or transformers, and never decides what a file may hold: that is
``reader``'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import platformdirs

from core.presets.book import Preset, PresetBook, PresetsError
from core.presets.keys import RESERVED_KEYS
from core.presets.reader import load_presets

__all__ = [
    "RESERVED_KEYS",
    "Preset",
    "PresetBook",
    "PresetsError",
    "find_presets_file",
    "first_that_is_there",
    "load_presets",
    "own_presets_file",
    "packaged_presets_files",
    "presets_files",
]

_FILE_NAME = "presets.yaml"


def find_presets_file(explicit: Path | None) -> Path:
    """Return the presets file to use; whether it can be read is for ``load_presets`` to tell.

    The order: ``explicit``, ``presets.yaml`` in the working directory, the one in the user's
    configuration folder, the one that came with the program.

    Raises:
        PresetsError: The program's own file is missing.
    """
    if explicit is not None:
        return explicit
    path = first_that_is_there(presets_files(None))
    if path is None:
        raise PresetsError(
            f"{packaged_presets_files()[0]} is missing; install gpt2-playground again"
        )
    return path


def presets_files(explicit: Path | None) -> list[Path]:
    """Return where a presets file is looked for, the first place first."""
    if explicit is not None:
        return [explicit]
    return [Path(_FILE_NAME), own_presets_file(), *packaged_presets_files()]


def first_that_is_there(files: Iterable[Path]) -> Path | None:
    """Return the first of ``files`` that is there, ``None`` where none is.

    In the working directory a broken link is told of, and no other file taken in its place; one's
    own link to a file that is not there yet is as none: a preset that is saved makes it.
    """
    here = Path(_FILE_NAME)
    return next((one for one in files if one.exists() or (one == here and one.is_symlink())), None)


def own_presets_file() -> Path:
    """Return where the user's configuration folder has its presets file, if it has one."""
    return platformdirs.user_config_path("gpt2-playground") / _FILE_NAME


def packaged_presets_files() -> tuple[Path, Path]:
    """Return where the program's own file is: in a wheel, and in the repository."""
    package = Path(__file__).resolve().parents[1]
    return package / _FILE_NAME, package.parent / _FILE_NAME
