"""What more than one file of the app's tests needs set up."""

from __future__ import annotations

import pytest

from core.presets.book import Preset, PresetBook
from core.records.settings import Settings
from tests.tui.helpers import BOOK
from tui.app.playground import PlaygroundApp


@pytest.fixture
def app():
    """The app on the bundled model: branching is about what a model really does."""
    from core.backends.local import LocalBackend

    presets = (
        Preset("greedy", "f1", "", Settings(max_new_tokens=12)),
        Preset("sample", "f3", "", Settings(do_sample=True, top_k=0, max_new_tokens=12, seed=5)),
        Preset("beam", "f2", "", Settings(num_beams=3, max_new_tokens=6)),
    )
    book = PresetBook(BOOK.path, presets)
    return PlaygroundApp(lambda _name: LocalBackend("demo", device="cpu"), book)
