"""Presets as values: a name, a key, a line about it, and settings that are already checked.

Must never read a file or know YAML: tests and the app build books of their own.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from core.records.chat import ChatFormat
from core.records.errors import PlaygroundError
from core.records.settings import Settings

CHANGED = "*"
"""Stands behind the name of a preset whose settings were changed for one run."""


class PresetsError(PlaygroundError):
    """A presets file cannot be used; the sentence names file, line, preset and key."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Named decoding settings with the key that picks them (``f1``, ``ctrl+g``, or empty).

    With a ``chat``, prompts are messages of a conversation.
    """

    name: str
    key: str
    description: str
    settings: Settings
    chat: ChatFormat | None = None


@dataclass(frozen=True, slots=True)
class PresetBook:
    """All presets of one file, in its order; never empty. ``model`` is the file's own, if any."""

    path: Path
    presets: tuple[Preset, ...]
    model: str | None = None

    def index_of_key(self, key: str) -> int | None:
        """Return where the preset stands that ``key`` picks, ``None`` where none has it."""
        return next((at for at, one in enumerate(self.presets) if key and one.key == key), None)

    def named(self, name: str) -> Preset:
        """Return the preset called ``name``.

        Raises:
            PresetsError: There is none; the nearest name is suggested.
        """
        for preset in self.presets:
            if preset.name == name:
                return preset
        names = [preset.name for preset in self.presets]
        nearest = difflib.get_close_matches(name.lower(), names, 1, 0.5)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(names)}"
        raise PresetsError(f"no preset {name!r} in {self.path}; {hint}")
