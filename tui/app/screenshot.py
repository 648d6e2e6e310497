"""The app's pictures of itself: SVG files, where a person finds them.

Must never fail without saying why, nor say less than where the file is.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import platformdirs

from core.files.writing import write_new
from core.text.visible import visible
from tui.app.part import AppPart

_TIME = "%Y-%m-%d_%H-%M-%S-%f"
_SHOWN = 10.0  # seconds: a path is longer to read than most notifications


class Screenshots(AppPart):
    """Drawing what is on the screen; a part of the app."""

    def picture(self) -> str:
        """Return the screen as SVG, which looks the same in whatever draws it."""
        # Without the attribute, librsvg draws no spaces at either end of a stretch of text.
        return self.export_screenshot().replace("<text ", '<text xml:space="preserve" ')

    def deliver_screenshot(
        self,
        filename: str | None = None,
        path: str | None = None,
        time_format: str | None = None,
    ) -> str | None:
        """Save the screen in the folder ``path`` and say where; see ``App``."""
        name = filename or f"{self.title}_{datetime.now():{time_format or _TIME}}.svg"
        file = (Path(path) if path else _folder()) / name
        try:
            write_new(file, self.picture().encode())
            sentence = f"the screenshot is in {file.absolute()}"
        except OSError as error:
            sentence = f"{file} cannot be written: {error.strerror or error}"
            self.notify(visible(sentence, keep=""), severity="error", timeout=_SHOWN, markup=False)
        else:
            self.notify(visible(sentence, keep=""), timeout=_SHOWN, markup=False)
        return None


def _folder() -> Path:
    """Return the folder of downloads, or the working directory where there is none."""
    downloads = platformdirs.user_downloads_path()
    try:
        return downloads if downloads.is_dir() else Path()
    except OSError:
        return Path()
