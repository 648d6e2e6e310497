"""What the app looked like when it was last used: its theme, and whether tokens are tinted.

Must never keep anything of the document, and never stops the app: a file that cannot be read is as
none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from core.files.reading import FileError, read_json_object
from core.files.writing import write_over
from core.records.errors import PlaygroundError
from tui.look.themes import INK

_MOST_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Appearance:
    """The name of the theme, and whether the document's tokens are tinted by surprisal."""

    theme: str = INK.name
    is_tinted: bool = True


class AppearanceFile:
    """Keeps the appearance from one start to the next."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or platformdirs.user_state_path("gpt2-playground") / "appearance.json"

    def read(self) -> Appearance:
        """Return what was kept last, or how the app looks at first."""
        try:
            kept = read_json_object(self._path, _MOST_BYTES)
        except FileError:
            return Appearance()
        theme, is_tinted = kept.get("theme"), kept.get("is_tinted")
        return Appearance(
            theme if isinstance(theme, str) else Appearance().theme,
            is_tinted if isinstance(is_tinted, bool) else Appearance().is_tinted,
        )

    def keep(self, appearance: Appearance) -> None:
        """Keep ``appearance`` for the next start.

        Raises:
            PlaygroundError: The file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_over(self._path, json.dumps(asdict(appearance)).encode())
        except OSError as error:
            raise PlaygroundError(
                f"the theme cannot be remembered in {str(self._path)!r}: {error.strerror or error}"
            ) from error
