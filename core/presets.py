"""presets.yaml to presets; every error names the file, the line, the preset and the key.

Must never import torch or transformers, and never lets YAML build anything but plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import PlaygroundError
from core.settings import Settings


class PresetsError(PlaygroundError):
    """A presets file cannot be used; the sentence names file, line, preset and key."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Named decoding settings with the key that picks them (``f1``, ``ctrl+g``, or empty)."""

    name: str
    key: str
    description: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class PresetBook:
    """All presets of one file, in its order; never empty. ``model`` is the file's own, if any."""

    path: Path
    presets: tuple[Preset, ...]
    model: str | None = None

    def named(self, name: str) -> Preset:
        """Return the preset called ``name``.

        Raises:
            PresetsError: There is none; the nearest name is suggested.
        """
        for preset in self.presets:
            if preset.name == name:
                return preset
        raise PresetsError(f"no preset {name!r}")
