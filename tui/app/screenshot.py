"""The app's pictures of itself: SVG files, where a person finds them.

Must never fail without saying why, nor say less than where the file is.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs
from textual.app import App

from core.backends.background_call import BackgroundCall
from core.files.writing import write_new
from core.text.visible import visible

_TIME = "%Y-%m-%d_%H-%M-%S-%f"
_SHOWN = 10.0  # seconds: a path is longer to read than most notifications


def picture(app: App[Any]) -> str:
    """Return the screen as SVG, which looks the same in whatever draws it."""
    # Without the attribute, librsvg draws no spaces at either end of a stretch of text.
    return app.export_screenshot().replace("<text ", '<text xml:space="preserve" ')


def save_picture(app: App[Any], filename: str, path: str, time_format: str) -> None:
    """Save the screen in the folder ``path``, or where one is found, and say where: on a thread."""
    image, name = (
        picture(app).encode(),
        filename or f"{app.title}_{datetime.now():{time_format or _TIME}}.svg",
    )

    def save() -> None:
        file = (Path(path) if path else _folder()) / name
        try:
            write_new(file, image)
            sentence = f"the screenshot is in {file.absolute()}"
        except OSError as error:
            sentence = f"{file} cannot be written: {error.strerror or error}"
            app.notify(visible(sentence, keep=""), severity="error", timeout=_SHOWN, markup=False)
        else:
            app.notify(visible(sentence, keep=""), timeout=_SHOWN, markup=False)

    BackgroundCall(save, "the screenshot could not be saved")  # any thread may notify


def _folder() -> Path:
    """Return the folder of downloads, or the working directory where there is none."""
    downloads = platformdirs.user_downloads_path()
    try:
        return downloads if downloads.is_dir() else Path()
    except OSError:
        return Path()
