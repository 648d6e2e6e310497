"""Saving a preset: what stands in the file stays, what is saved is read back, nothing half done."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.presets import finding as presets_module
from core.presets import writer as preset_writer
from core.presets.book import Preset, PresetBook
from core.presets.finding import find_presets_file, load_presets
from core.presets.writer import SAVED_KEYS, save_preset
from core.presets.yaml_nodes import parse_yaml
from core.presets.yaml_text import quoted, with_preset
from core.records.errors import PlaygroundError
from core.records.settings import SETTING_NAMES, Settings
from tests.core.records.test_settings import GOOD_AND_BAD
from tests.places import REPOSITORY

SHIPPED = REPOSITORY / "presets.yaml"
COOL = Settings(do_sample=True, temperature=0.7, top_k=0)
CHANGED = {
    "max_length": 100,
    "max_new_tokens": 90,
    "min_new_tokens": 3,
    "do_sample": True,
    "num_beams": 2,
    "length_penalty": -0.5,
    "early_stopping": "never",
    "temperature": 0.30000000000000004,
    "top_k": 0,
    "top_p": 0.95,
    "min_p": 1e-05,
    "typical_p": 0.5,
    "epsilon_cutoff": 3e-4,
    "eta_cutoff": 0.001,
    "repetition_penalty": 1.2,
    "no_repeat_ngram_size": 3,
    "stop_strings": ("\n\n", '"\\', "\x1b[0m\x7f", "no", "🦄\u202e", "\ud800", ": #", " "),
    "seed": 2**63 - 1,
}
# A setting that has come since has a value that its own test takes.
FULL = Settings(**{name: good[-1] for name, _, good, _ in GOOD_AND_BAD} | CHANGED)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty configuration folder, and a program installed elsewhere with its own presets."""
    package = tmp_path / "site" / "core"
    package.mkdir(parents=True)
    (package / "presets.yaml").write_bytes(SHIPPED.read_bytes())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = tmp_path / "home" / "config"
    monkeypatch.setattr(presets_module.platformdirs, "user_config_path", lambda name: config)
    monkeypatch.setattr(presets_module, "__file__", str(package / "presets" / "finding.py"))
    return config


def written(path: Path, text: str | bytes) -> PresetBook:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_presets(path)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# What stands in the file


def test_comments_and_format_of_the_shipped_file_stay(tmp_path):
    before = SHIPPED.read_text()
    book = written(tmp_path / "mine.yaml", before)
    path = save_preset(book, "mild", COOL, "Saved from a run.")

    after = path.read_text()
    assert path == tmp_path / "mine.yaml"
    assert after.startswith(before)
    assert after.removeprefix(before) == (
        '\n  mild:\n    key: "shift+f1"\n'
        '    description: "Saved from a run."\n'
        "    settings:\n      do_sample: true\n      temperature: 0.7\n      top_k: 0\n"
    )
    assert load_presets(path).presets == (
        *book.presets,
        Preset("mild", "shift+f1", "Saved from a run.", COOL),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "presets:\n  a:\n    settings:\n      top_k: 50 # all\n      # top_p: 0.9\n\n"
            "# the model\nmodel: demo\n",
            "presets:\n  a:\n    settings:\n      top_k: 50 # all\n      # top_p: 0.9\n\n"
            "  b:\n    key: f1\n    settings: {}\n\n# the model\nmodel: demo\n",
            id="another field behind, and comments of both",
        ),
        pytest.param(
            "presets:\n    a:\n        key: f1",
            "presets:\n    a:\n        key: f1\n\n    b:\n        key: f2\n        settings: {}\n",
            id="indented by four, without a newline at its end",
        ),
        pytest.param(
            "presets:\n  a: {}\n  c: {}\nmodel: demo",
            "presets:\n  a: {}\n  c: {}\n  b:\n    key: f1\n    settings: {}\n\nmodel: demo",
            id="close together, in braces",
        ),
        pytest.param(
            "presets:\r\n a:\r\n  settings:\r\n",
            "presets:\r\n a:\r\n  settings:\r\n\r\n b:\r\n  key: f1\r\n  settings: {}\r\n",
            id="carriage returns, indented by one, empty settings",
        ),
        pytest.param(
            "\ufeffpresets:\n  a:\n    settings:\n      stop_strings:\n      - x\n      - y\n...\n",
            "\ufeffpresets:\n  a:\n    settings:\n      stop_strings:\n      - x\n      - y\n\n"
            "  b:\n    key: f1\n    settings: {}\n\n...\n",
            id="a byte order mark, a list, an end of document",
        ),
        pytest.param(
            "presets:\n  a:\n    chat:\n      opening: |+\n        hi\n\n\n",
            "presets:\n  a:\n    chat:\n      opening: |+\n        hi\n\n\n"
            "  b:\n    key: f1\n    settings: {}\n",
            id="a block of text that keeps its empty lines",
        ),
    ],
)
def test_a_preset_is_added_behind_the_last(tmp_path, before, after):
    book = written(tmp_path / "mine.yaml", before)
    path = save_preset(book, "b", Settings())

    assert path.read_bytes().decode() == after
    assert load_presets(path).presets[:-1] == book.presets


def test_a_block_that_a_newline_would_change_is_left_alone(tmp_path):
    before = "presets:\n  a:\n    chat:\n      opening: |\n        hi"
    book = written(tmp_path / "mine.yaml", before)
    with pytest.raises(PlaygroundError, match=r"mine\.yaml without changing another; write it"):
        save_preset(book, "b", Settings())
    assert book.path.read_text() == before
    assert names_in(tmp_path) == ["mine.yaml"]


@pytest.mark.parametrize(
    "before",
    [
        "{presets: {a: {key: f1}}}\n",
        "presets: {a: {key: f1}}\n",
        "presets: {\n  a: {key: f1},\n}\n",
    ],
)
def test_presets_in_braces_are_refused(tmp_path, before):
    book = written(tmp_path / "mine.yaml", before)
    with pytest.raises(PlaygroundError, match=r"mine\.yaml: its presets are written in braces"):
        save_preset(book, "b", Settings())
    assert book.path.read_text() == before


# What is saved


def test_every_setting_comes_back(tmp_path):
    assert [name for name in SETTING_NAMES if name not in FULL.to_mapping()] == []
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    assert load_presets(save_preset(book, "b", FULL)).named("b").settings == FULL


@pytest.mark.parametrize(
    "change", [{name: value} for name, value in FULL.to_mapping().items()], ids=str
)
def test_each_setting_by_itself_comes_back(tmp_path, change):
    settings = Settings(**{"do_sample": True, "num_beams": 2, "guidance_scale": 2, **change})
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    assert load_presets(save_preset(book, "b", settings)).named("b").settings == settings


@given(st.text())
def test_any_text_in_quotes_comes_back(text):
    assert parse_yaml(quoted(text)).plain() == text


PRINTABLE = st.characters().filter(str.isprintable)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(PRINTABLE, min_size=1, max_size=24).filter(lambda name: name == name.strip()))
def test_any_name_that_can_be_shown_comes_back(tmp_path, name):
    book = written(tmp_path / "mine.yaml", "presets:\n  'the first one there is': {}\n")
    assert load_presets(save_preset(book, name, COOL, name)).named(name).description == name


@pytest.mark.parametrize(
    "name",
    ["null", "no", "1", "a: b", "# a", "'", '"', "[b]", "- a", "*a", "!!x", "{{", "a\\", "漢字"],
)
def test_names_that_mean_something_in_yaml_are_quoted(tmp_path, name):
    book = written(tmp_path / "mine.yaml", "presets:\n  first: {}\n")
    assert [one.name for one in load_presets(save_preset(book, name, COOL)).presets] == [
        "first",
        name,
    ]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "a preset must have a name; give another one"),
        (" ", "a preset must have a name; give another one"),
        (" a", "the name begins or ends with a space; give another one"),
        ("a" * 25, "the name is longer than 24 characters; give another one"),
        ("a\nb", "the name holds the character '\\n', which is not allowed; give another one"),
        ("\x1b[2J", "the name holds the character '\\x1b', which is not allowed; give another one"),
        (
            "\u202e",
            "the name holds the character '\\u202e', which is not allowed; give another one",
        ),
    ],
)
def test_names_that_cannot_be_shown_are_refused(tmp_path, name, sentence):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    with pytest.raises(PlaygroundError) as caught:
        save_preset(book, name, COOL)
    assert str(caught.value) == sentence
    assert book.path.read_text() == "presets:\n  a: {}\n"


def test_a_name_that_is_there_is_refused(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    save_preset(book, "b", COOL)
    with pytest.raises(PlaygroundError, match=r"a preset 'b' in .* already; give another name"):
        save_preset(book, "b", COOL)
    assert len(load_presets(book.path).presets) == 2


def test_a_description_is_one_short_line(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    path = save_preset(book, "b", COOL, "two\nlines \x1b[2J " + "x" * 300)
    description = load_presets(path).named("b").description
    assert description.startswith("two lines \\x1b[2J xxx")
    assert len(description) == 200


def test_keys_are_given_as_long_as_there_are_any(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a:\n    key: f2\n")
    for number in range(len(SAVED_KEYS)):
        save_preset(book, f"b{number}", COOL)
    keys = [preset.key for preset in load_presets(book.path).presets]
    assert keys == ["f2", *(key for key in SAVED_KEYS if key != "f2"), ""]


# Where it is saved


def test_the_programs_own_file_is_copied_and_then_added_to(home):
    book = load_presets(find_presets_file(None))
    shipped = book.path.read_bytes()
    path = save_preset(book, "mild", COOL)

    assert path == home / "presets.yaml" == find_presets_file(None)
    assert book.path.read_bytes() == shipped
    assert path.read_bytes().startswith(shipped)
    save_preset(book, "milder", COOL)
    assert [one.name for one in load_presets(path).presets[-2:]] == ["mild", "milder"]


def test_the_copy_has_the_mode_of_any_file(home):
    before = os.umask(0o027)
    try:
        path = save_preset(load_presets(find_presets_file(None)), "mild", COOL)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_file_in_the_working_directory_is_the_users(home):
    written(Path("presets.yaml"), "presets:\n  a: {}\n")
    path = save_preset(load_presets(find_presets_file(None)), "b", COOL)
    assert path == Path("presets.yaml")
    assert not home.exists()


def test_the_mode_stays(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    book.path.chmod(0o604)
    save_preset(book, "b", COOL)
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o604
    assert names_in(tmp_path) == ["mine.yaml"]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "real.yaml"
    written(real, "presets:\n  a: {}\n")
    link = tmp_path / "mine.yaml"
    link.symlink_to("dotfiles/real.yaml")

    assert save_preset(load_presets(link), "b", COOL) == link
    assert link.is_symlink()
    assert load_presets(real).named("b").settings == COOL
    assert names_in(real.parent) == ["real.yaml"]


def test_a_link_that_leads_nowhere_gets_its_file(home, tmp_path):
    home.mkdir(parents=True)
    (home / "presets.yaml").symlink_to(tmp_path / "dotfiles" / "p.yaml")
    save_preset(load_presets(find_presets_file(None)), "b", COOL)
    assert load_presets(tmp_path / "dotfiles" / "p.yaml").named("b").settings == COOL


def test_a_link_in_a_circle_is_told(home):
    home.mkdir(parents=True)
    (home / "presets.yaml").symlink_to("presets.yaml")
    with pytest.raises(PlaygroundError, match="Too many levels of symbolic links"):
        save_preset(load_presets(find_presets_file(None)), "b", COOL)


def test_what_is_no_file_is_told_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    book = PresetBook(tmp_path / "pipe", (Preset("a", "", "", COOL),))
    with pytest.raises(PlaygroundError, match="pipe: it is no regular file; use --presets"):
        save_preset(book, "b", COOL)


def test_a_file_that_has_gone_is_told(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    book.path.unlink()
    with pytest.raises(
        PlaygroundError, match=r"cannot read presets from .*mine\.yaml: it is not there"
    ):
        save_preset(book, "b", COOL)


def test_a_file_that_is_protected_is_told(tmp_path, monkeypatch):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    monkeypatch.setattr(preset_writer.os, "access", lambda path, mode: False)
    with pytest.raises(PlaygroundError) as caught:
        save_preset(book, "b", COOL)
    assert str(caught.value) == (
        f"cannot write {book.path}: Permission denied; use --presets with a file of your own"
    )


def test_a_folder_that_cannot_be_made_is_told(home, tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(PlaygroundError, match=r"cannot write .*presets\.yaml: Not a directory"):
        save_preset(load_presets(find_presets_file(None)), "b", COOL)


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")

    def full(file_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preset_writer.os, "fsync", full)
    with pytest.raises(PlaygroundError, match=r"mine\.yaml: No space left on device"):
        save_preset(book, "b", COOL)
    assert book.path.read_text() == "presets:\n  a: {}\n"
    assert names_in(tmp_path) == ["mine.yaml"]


def test_what_was_changed_since_the_app_began_stays(tmp_path):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")
    written(book.path, "presets:\n  a:\n    key: f1\n  other: {}\n")
    save_preset(book, "b", COOL)
    assert [one.key for one in load_presets(book.path).presets] == ["f1", "", "f2"]


def test_a_change_in_the_very_moment_is_not_lost(tmp_path, monkeypatch):
    book = written(tmp_path / "mine.yaml", "presets:\n  a: {}\n")

    def load(path):
        if path != book.path:
            book.path.write_text("presets:\n  theirs: {}\n")
        return load_presets(path)

    monkeypatch.setattr(preset_writer, "load_presets", load)
    with pytest.raises(PlaygroundError, match=r"mine\.yaml was changed meanwhile; save again"):
        save_preset(book, "b", COOL)
    assert book.path.read_text() == "presets:\n  theirs: {}\n"


def test_a_file_that_would_be_too_large_is_told_by_its_own_name(tmp_path):
    filling = "# " + "x" * 99_970 + "\n"
    book = written(tmp_path / "mine.yaml", filling + "presets:\n  a: {}\n")
    with pytest.raises(PlaygroundError, match=r"/mine\.yaml: it has more than 100,000"):
        save_preset(book, "b", COOL)
    assert names_in(tmp_path) == ["mine.yaml"]


@examples(max_examples=100)
@given(
    st.sampled_from(["  ", "    "]),
    st.lists(
        st.sampled_from(
            ["key: f3", "description: >\n{}{}{}x\n{}{}{}y", "# a note", "", "settings: {{}}"]
        ),
        unique=True,
        max_size=5,
    ),
    st.sampled_from(["", "\n", "\n\n", "\n# the end\n", "\n  # indented\n", "\nmodel: demo\n"]),
)
def test_the_rest_of_a_file_stays_letter_by_letter(tab, fields, end):
    body = "\n".join(2 * tab + one.format(*[tab] * 6) for one in fields if one)
    before = f"presets:\n{tab}a:\n{body}{end}"
    after = with_preset(before, dataclasses.replace(Preset("new", "", "", COOL)))
    added = after[after.index(f"{tab}new:") :]
    added = added[: added.index("top_k: 0") + len("top_k: 0")]
    rest = after.replace(added, "")
    assert "".join(rest.split()) == "".join(before.split())
    assert rest.replace("\n", "").replace(" ", "") == before.replace("\n", "").replace(" ", "")
