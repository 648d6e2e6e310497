"""presets.yaml: the shipped one, where it is looked for, what a file may say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.presets import finding as presets_module
from core.presets.finding import (
    Preset,
    PresetBook,
    PresetsError,
    find_presets_file,
    load_presets,
)
from core.records.settings import Settings
from tests.places import REPOSITORY

HEAD = "presets:\n  one:\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def one_preset(write, body: str) -> Preset:
    return load_presets(write(HEAD + body)).presets[0]


# The shipped file


def test_the_shipped_presets_are_those_promised():
    book = load_presets(REPOSITORY / "presets.yaml")

    assert {preset.name: (preset.key, preset.settings) for preset in book.presets} == {
        "greedy": ("f1", Settings(max_new_tokens=200)),
        "beam": ("f2", Settings(num_beams=5, no_repeat_ngram_size=2, max_new_tokens=121)),
        "sample": ("f3", Settings(do_sample=True, temperature=1.0, top_k=0, max_new_tokens=200)),
        "nucleus": ("f4", Settings(do_sample=True, top_p=0.9, top_k=0, max_new_tokens=200)),
        "cool": ("f5", Settings(do_sample=True, temperature=0.7, top_k=0, max_new_tokens=200)),
        "hot": ("f6", Settings(do_sample=True, temperature=1.5, top_k=0, max_new_tokens=200)),
        "top-k": ("f7", Settings(do_sample=True, top_k=50, max_new_tokens=200)),
        "chat": (
            "f8",
            Settings(do_sample=True, temperature=0.8, top_p=0.9, top_k=0, max_new_tokens=120),
        ),
    }
    assert [preset.name for preset in book.presets if preset.chat is not None] == ["chat"]
    assert all(20 < len(preset.description) < 90 for preset in book.presets)


def test_the_shipped_comment_names_every_setting():
    from core.records.settings import SETTING_NAMES

    comment = (REPOSITORY / "presets.yaml").read_text().partition("\npresets:")[0]
    assert [name for name in SETTING_NAMES if name not in comment] == []


def test_a_shipped_preset_can_be_copied(write):
    shipped = (REPOSITORY / "presets.yaml").read_text()
    nucleus = shipped[shipped.index("  nucleus:") : shipped.index("  cool:")]
    copy = nucleus.replace("nucleus", "mine").replace("f4", "shift+f9").replace("0.90", "0.5")
    book = load_presets(write(shipped + "\n" + copy))

    assert book.named("mine").settings.top_p == 0.5
    assert len(book.presets) == 9


# Where it is looked for


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty working directory, configuration folder and installation."""
    here, config, package = (tmp_path / name for name in ("here", "config", "site/core"))
    for folder in (here, config, package):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(presets_module.platformdirs, "user_config_path", lambda name: config)
    monkeypatch.setattr(presets_module, "__file__", str(package / "presets" / "finding.py"))
    return here, config, package


def test_the_order_in_which_files_are_looked_for(places, tmp_path):
    here, config, package = places
    with pytest.raises(PresetsError, match="install gpt2-playground again"):
        find_presets_file(None)

    for folder in (package.parent, package, config):
        (folder / "presets.yaml").touch()
        assert find_presets_file(None) == folder / "presets.yaml"
    (here / "presets.yaml").touch()
    assert find_presets_file(None).absolute() == here / "presets.yaml"
    assert find_presets_file(tmp_path / "other.yaml") == tmp_path / "other.yaml"


def test_the_configuration_folder_is_the_programs_own(places, monkeypatch):
    asked = []
    monkeypatch.setattr(
        presets_module.platformdirs,
        "user_config_path",
        lambda name: asked.append(name) or Path("nowhere"),
    )
    (places[2] / "presets.yaml").touch()
    find_presets_file(None)

    assert asked == ["gpt2-playground"]


def test_a_folder_that_may_not_be_entered_is_passed_over(places, monkeypatch):
    (places[2] / "presets.yaml").touch()
    real = os.lstat

    def lstat(path, **options):
        if Path(path).parent == places[1]:
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", lstat)
    assert find_presets_file(None) == places[2] / "presets.yaml"


@pytest.mark.parametrize("target", ["nowhere", "presets.yaml"])
def test_a_broken_link_is_told_and_no_other_file_taken(places, target):
    (places[2] / "presets.yaml").touch()
    (places[0] / "presets.yaml").symlink_to(target)
    with pytest.raises(PresetsError, match=r"cannot read presets from presets\.yaml: it "):
        load_presets(find_presets_file(None))


# What a file may hold


def test_everything_that_a_file_can_say(write):
    book = load_presets(
        write(
            "\ufeff# a comment\r\nmodel: ./my model\r\npresets:\r\n"
            "  one:\r\n    key: Shift+F1\r\n    description: >\r\n      two\r\n      lines\r\n"
            "    settings: {do_sample: true, temperature: 3e-1, stop_strings: [no, 'a:b']}\r\n"
            "  2: {settings: null}\r\n"
        )
    )

    assert book.model == "./my model"
    assert book.presets == (
        Preset(
            "one",
            "shift+f1",
            "two lines",
            Settings(do_sample=True, temperature=0.3, stop_strings=("no", "a:b")),
        ),
        Preset("2", "", "", Settings()),
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [("3e-4", 3e-4), ("1E3", 1e3), (".5", 0.5), ("+2", 2.0), ("5.", 5.0), ("1e+2", 100.0)],
)
def test_numbers_in_every_spelling(write, written, value):
    preset = one_preset(write, f"    settings: {{do_sample: true, temperature: {written}}}\n")

    assert preset.settings.temperature == value


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("F1", "f1"),
        ("f8", "f8"),
        ("shift+f1", "shift+f1"),
        ("shift+f9", "shift+f9"),
        ("CTRL+G", "ctrl+g"),
        ("control+g", "ctrl+g"),
        ("ctrl-g", "ctrl+g"),
        ("shift+ctrl+f4", "ctrl+shift+f4"),
        ("alt+g", "alt+g"),
        ("''", ""),
        ("null", ""),
    ],
)
def test_keys_have_one_spelling(write, written, key):
    assert one_preset(write, f"    key: {written}\n").key == key


@pytest.mark.parametrize(
    "key", ["shift+f3", "ctrl+f3", "alt+f3", "shift+alt+f3", "ctrl+1", "alt+0", "control+9"]
)
def test_keys_that_terminals_cannot_tell_apart_are_refused(write, key):
    with pytest.raises(PresetsError, match="is one that terminals cannot tell from another; use"):
        one_preset(write, f"    key: {key}\n")


# Books


def test_a_preset_by_name():
    book = load_presets(REPOSITORY / "presets.yaml")

    assert book.named("beam").key == "f2"
    with pytest.raises(PresetsError, match=r"no preset 'Beem' in .*; did you mean 'beam'\?"):
        book.named("Beem")
    with pytest.raises(PresetsError, match="there are greedy, beam, "):
        book.named("zzzzzz")


def test_a_book_can_be_built_without_a_file():
    book = PresetBook(Path("x"), (Preset("a", "", "", Settings()),))

    assert book.named("a").settings == Settings()
    assert book.model is None
