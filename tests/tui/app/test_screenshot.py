"""The palette's screenshot: where it goes, what is said of it, and its spaces."""

from __future__ import annotations

from xml.etree import ElementTree

import platformdirs
import pytest
from textual.command import CommandPalette

from core.backends.scripted import ScriptedBackend
from tests.tui.helpers import app_of, make_app, ready, until


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A folder of downloads that is not there yet, and a working directory."""
    downloads, here = tmp_path / "Downloads", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(platformdirs, "user_downloads_path", lambda: downloads)
    return downloads, here


async def said_by_the_palette() -> tuple[str, str]:
    """Take a screenshot from the palette; return the notification and how grave it is."""
    async with make_app(ScriptedBackend()).run_test(notifications=True) as pilot:
        await ready(pilot)
        app = app_of(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"screenshot")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: len(app._notifications) > 0)
        (notification,) = app._notifications
        return notification.message, notification.severity


@pytest.mark.parametrize("has_downloads", [True, False])
async def test_it_says_where_it_is(folders, has_downloads):
    downloads, here = folders
    if has_downloads:
        downloads.mkdir()
    message, severity = await said_by_the_palette()

    (file,) = (downloads if has_downloads else here).iterdir()
    assert (message, severity) == (f"the screenshot is in {file}", "information")
    texts = [one for one in ElementTree.parse(file).iter() if one.tag.endswith("}text")]  # noqa: S314
    assert texts
    space = "{http://www.w3.org/XML/1998/namespace}space"
    assert all(one.get(space) == "preserve" for one in texts)


async def test_it_says_why_it_cannot_be_written(folders, monkeypatch):
    downloads, _ = folders
    downloads.mkdir()

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("core.files.writing.os.fsync", refuse)
    message, severity = await said_by_the_palette()

    assert message.startswith(f"{downloads}/gpt2-playground_")
    assert message.endswith(".svg cannot be written: Permission denied")
    assert severity == "error"
