"""The presets file watched: what is saved is there within a second, whatever the editor does."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest
import watchfiles

from core.presets import finding
from core.presets.book import Preset, PresetBook, PresetsError
from core.presets.finding import find_presets_file, load_presets
from core.presets.watching import PresetsWatch
from core.presets.writer import save_preset
from core.records.errors import PlaygroundError
from core.records.settings import Settings

PATIENCE = 10.0


def text(**values):
    """A presets file with the lengths of ``values``."""
    names = "".join(
        f"  {name}:\n    settings: {{max_new_tokens: {value}}}\n" for name, value in values.items()
    )
    return f"presets:\n{names}"


class Watched:
    """A watch, and what it has told."""

    def __init__(self, explicit, **more):
        book = load_presets(find_presets_file(explicit))
        self.has_told = threading.Event()
        self.watch = PresetsWatch(book, explicit, **more)
        self.watch.start(self.has_told.set)

    def news(self):
        assert self.has_told.wait(PATIENCE), "nothing was told"
        self.has_told.clear()
        return self.watch.drain()

    def lengths(self):
        read = self.news()
        assert isinstance(read, PresetBook), read
        return {one.name: one.settings.max_new_tokens for one in read.presets}


@pytest.fixture
def watched():
    made = []

    def make(explicit=None, **more):
        made.append(Watched(explicit, **more))
        return made[-1]

    yield make
    for one in made:
        one.watch.stop()


def in_place(path, content):
    path.write_text(content)


def replaced(path, content):
    """As ``sed -i`` does."""
    path.with_name("aside").write_text(content)
    path.with_name("aside").replace(path)


def moved_away_first(path, content):
    """As vim does where it keeps a copy."""
    path.replace(path.with_name("presets.yaml~"))
    time.sleep(0.02)
    path.write_text(content)


@pytest.mark.parametrize("save", [in_place, replaced, moved_away_first])
def test_what_is_saved_is_told_within_a_second_broken_and_mended(tmp_path, watched, save):
    path = tmp_path / "presets.yaml"
    path.write_text(text(a=1))
    one = watched(path)

    begun = time.monotonic()
    save(path, text(a=2, b=3))
    assert one.lengths() == {"a": 2, "b": 3}
    assert time.monotonic() - begun < 1

    save(path, text(a=2, b=3).replace("max", "man"))
    fault = one.news()
    assert isinstance(fault, PresetsError)
    assert f"{path}:5: preset 'b'" not in str(fault)
    assert f"{path}:3: preset 'a': unknown setting 'man_new_tokens'; did you mean" in str(fault)
    assert not one.watch.has_news

    save(path, text(a=2, b=3))
    assert one.lengths() == {"a": 2, "b": 3}


def test_through_a_link_whose_target_is_replaced_or_that_leads_elsewhere(tmp_path, watched):
    for name in ("first", "second", "home"):
        (tmp_path / name).mkdir()
    first, second = tmp_path / "first" / "p.yaml", tmp_path / "second" / "p.yaml"
    first.write_text(text(a=1))
    second.write_text(text(a=5))
    link = tmp_path / "home" / "presets.yaml"
    link.symlink_to(first)
    one = watched(link)

    replaced(first, text(a=2))
    assert one.lengths() == {"a": 2}
    link.unlink()
    link.symlink_to(second)
    assert one.lengths() == {"a": 5}
    replaced(second, text(a=6))
    assert one.lengths() == {"a": 6}


def test_a_file_that_goes_is_told_and_read_again_when_its_folder_is_back(tmp_path, watched):
    path = tmp_path / "folder" / "presets.yaml"
    path.parent.mkdir()
    path.write_text(text(a=1))
    one = watched(path)

    path.unlink()
    path.parent.rmdir()
    assert str(one.news()) == f"{path} is gone; put it back, or start again"
    path.parent.mkdir()
    path.write_text(text(a=1))
    assert one.lengths() == {"a": 1}


def test_where_nothing_tells_of_changes_it_is_looked_at(tmp_path, watched, monkeypatch):
    def watch(*folders, **options):
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", watch)
    path = tmp_path / "presets.yaml"
    path.write_text(text(a=1))
    one = watched(path)

    begun = time.monotonic()
    path.write_text(text(a=2))
    assert one.lengths() == {"a": 2}
    assert time.monotonic() - begun < 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No file of one's own, and no folder for it; the program has one."""
    packaged = tmp_path / "program" / "presets.yaml"
    packaged.parent.mkdir()
    packaged.write_text(text(shipped=1))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(finding, "packaged_presets_files", lambda: (packaged, packaged))
    monkeypatch.setattr("core.presets.writer.packaged_presets_files", lambda: (packaged, packaged))
    own = tmp_path / "config" / "gpt2-playground" / "presets.yaml"
    monkeypatch.setattr(finding.platformdirs, "user_config_path", lambda name: own.parent)
    return own


def test_a_file_that_would_be_found_first_is_taken_when_it_comes(home, watched):
    one = watched()

    home.parent.mkdir(parents=True)
    home.write_text(text(mine=4))
    assert one.lengths() == {"mine": 4}
    Path("presets.yaml").write_text(text(here=5))
    assert one.lengths() == {"here": 5}
    # It is the one at hand now: another one does not take its place when it goes.
    Path("presets.yaml").unlink()
    assert str(one.news()) == "presets.yaml is gone; put it back, or start again"


def test_a_preset_that_the_program_saved_is_there_for_edits_too(home, watched):
    one = watched()
    save_preset(load_presets(find_presets_file(None)), "saved", Settings(max_new_tokens=2))
    assert one.lengths() == {"shipped": 1, "saved": 2}
    home.write_text(home.read_text().replace("max_new_tokens: 2", "max_new_tokens: 3"))
    assert one.lengths() == {"shipped": 1, "saved": 3}


def test_presets_that_cannot_be_used_here_are_refused(tmp_path, watched):
    path = tmp_path / "presets.yaml"
    path.write_text(text(a=1))

    def check(book):
        if book.index_of_key("f5") is not None:
            raise PlaygroundError("keys.yaml:2: key 'f5' belongs to preset 'a'")

    one = watched(path, check=check)
    path.write_text("presets:\n  a: {key: f5, settings: {max_new_tokens: 1}}\n")
    assert str(one.news()) == "keys.yaml:2: key 'f5' belongs to preset 'a'"


def test_a_file_that_was_saved_before_the_watch_began_is_told(tmp_path, watched):
    path = tmp_path / "presets.yaml"
    path.write_text(text(a=2))
    has_told = threading.Event()
    watch = PresetsWatch(PresetBook(path, (Preset("a", "", "", Settings(max_new_tokens=1)),)), path)
    watch.start(has_told.set)
    assert has_told.wait(PATIENCE)
    watch.stop()
    assert watch.drain() == load_presets(path)
    assert all(one.name != "presets" for one in threading.enumerate())
