"""presets.yaml: one sentence with file, line and preset for every mistake."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.presets.finding import RESERVED_KEYS, PresetsError, load_presets

HEAD = "presets:\n  one:\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def refused(write):
    """Return the sentence for a file that has to be refused, without the file's name."""

    def refused(content: str | bytes) -> str:
        path = write(content)
        with pytest.raises(PresetsError) as caught:
            load_presets(path)
        sentence = str(caught.value)
        assert sentence.startswith(f"{path}:"), sentence
        assert sentence.isprintable(), sentence
        assert len(sentence) < 700
        return sentence.removeprefix(f"{path}:")

    return refused


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "1: the file is empty"),
        ("# only a comment\n\n", "1: the file is empty"),
        ("---\n", "1: the file is empty"),
        ("- a\n- b\n", "1: the file must be a mapping"),
        ("\n\njust text\n", "3: the file must be a mapping"),
        ("model: demo\n", "1: the file has no 'presets:'"),
        ("presets:\n", "1: 'presets' holds no preset"),
        ("model: demo\npresets: {}\n", "2: 'presets' holds no preset"),
        ("presets: [a]\n", "1: 'presets' must be a mapping"),
        ("preset:\n  a: {}\n", "1: unknown field 'preset'; did you mean 'presets'?"),
        ("zzz: 1\n", "1: unknown field 'zzz'; there are model, presets"),
        ("model: 5\npresets: {a: {}}\n", "1: 'model' must be a text, not 5"),
        ("presets: {a: {}}\n--- {}\n", "2: not valid YAML: but found another document"),
        ("presets: {a: {}\n", "2: not valid YAML: "),
        (
            b"presets:\n  one:\n    description: \xe9t\xe9\n",
            "3: preset 'one': the file is not UTF-8",
        ),
        (b"\xff\xfe", "1: the file is not UTF-8 (byte 0xff)"),
        (HEAD + "    description: a\x00b\n", "3: preset 'one': the character '\\x00'"),
        (HEAD + "    description: a\x1b[2Jb\n", "3: preset 'one': the character '\\x1b'"),
    ],
)
def test_files_that_are_no_presets(refused, content, sentence):
    assert refused(content).startswith(sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "2: preset 'one': a preset must be a mapping"),
        ("    - a\n", "2: preset 'one': a preset must be a mapping"),
        ("    settngs: {}\n", "3: preset 'one': unknown field 'settngs'; did you mean 'settings'?"),
        ("    key: f1\n    top_k: 5\n", "4: preset 'one': unknown field 'top_k'; it belongs under"),
        ("    key: f1\n    key: f2\n", "4: preset 'one': 'key' is given twice, first on line 3"),
        ("    settings: 5\n", "3: preset 'one': 'settings' must be a mapping"),
        (
            "    settings:\n      top_k: 1\n      top_k: 2\n",
            "5: preset 'one': 'top_k' is given twice, first on line 4",
        ),
        (
            "    settings:\n      do_sample: true\n      tempature: 1\n",
            "5: preset 'one': unknown setting 'tempature'; did you mean 'temperature'?",
        ),
        (
            "    settings:\n      do_sample: true\n\n      temperature: warm\n",
            "6: preset 'one': temperature must be a number, not 'warm'",
        ),
        (
            "    settings:\n      num_beams: 2\n      top_p: 0.5\n",
            "5: preset 'one': top_p has no effect without do_sample",
        ),
        ("    settings: {do_sample: yes}\n", "3: preset 'one': do_sample must be true or false"),
        ("    settings: {[a]: 1}\n", "3: preset 'one': a name must be a text"),
        ("    settings: {seed: " + "9" * 5000 + "}\n", "3: preset 'one': a number of 5000 digits"),
        ("    description: 5\n", "3: preset 'one': 'description' must be a text, not 5; quote it"),
        ("    description: [a]\n", "3: preset 'one': 'description' must be a text, not ['a']"),
        ("    description: |\n      a\n      b\n", "3: preset 'one': 'description' holds the char"),
        (
            '    description: "\\e[2J"\n',
            "3: preset 'one': 'description' holds the character '\\x1b'",
        ),
        ('    description: "\\u202e"\n', "3: preset 'one': 'description' holds the character"),
        ("    description: " + "x" * 201 + "\n", "3: preset 'one': 'description' is longer than"),
        ("    key: 5\n", "3: preset 'one': 'key' must be a text, not 5"),
        ("\tkey: f1\n", "3: preset 'one': a tab indents this line"),
        ("    key: f1\n\tdescription: a\n", "4: preset 'one': a tab indents this line"),
        ("    key:\tf1\n", "3: preset 'one': a tab stands where"),
        ("    settings: &a {}\n", "3: preset 'one': anchors (&a) are not supported"),
        ("    settings: *a\n", "3: preset 'one': aliases (*a) are not supported"),
        ("    settings: {<<: *a}\n", "3: preset 'one': aliases (*a) are not supported"),
        ("    key: !!python/object:os.system f1\n", "3: preset 'one': tags ('!!python/object:os."),
        ("    key: !x f1\n", "3: preset 'one': tags ('!x') are not supported"),
        ("    key: " + "[" * 1000 + "\n", "3: preset 'one': nested more than 20 levels"),
        ("    key: f1\n    a: b: c\n", "4: preset 'one': not valid YAML: mapping values"),
    ],
)
def test_presets_that_are_wrong(refused, body, sentence):
    assert refused(HEAD + body).startswith(sentence)


def test_the_sentence_names_the_preset_at_fault_and_not_another(refused):
    content = (
        HEAD + "    key: f1\n  two:\n    key: f2\n    settings:\n      top_q: 1\n  three: {}\n"
    )

    assert refused(content).startswith("7: preset 'two': unknown setting 'top_q'")


@pytest.mark.parametrize("syntax_error", ["      top_k: 1: 2\n", "\ttop_k: 1\n"])
def test_a_file_that_is_no_yaml_names_the_preset_too(refused, syntax_error):
    content = "# x\npresets:\n  one:\n    key: f1\n\n  two:\n    settings:\n" + syntax_error

    assert refused(content).startswith("8: preset 'two': ")


def test_a_preset_given_twice(refused):
    content = HEAD + "    key: f1\n  two: {}\n  one: {}\n"

    assert refused(content) == "5: preset 'one': 'one' is given twice, first on line 2"


@pytest.mark.parametrize(("first", "second"), [("f1", "F1"), ("ctrl+g", "Control+G")])
def test_a_binding_given_twice(refused, first, second):
    sentence = refused(HEAD + f"    key: {first}\n  two:\n    key: {second}\n")

    assert sentence == f"5: preset 'two': key {first!r} belongs to preset 'one' already"


def test_presets_without_a_key_do_not_collide(write):
    assert len(load_presets(write("presets: {a: {}, b: {}}\n")).presets) == 2


@pytest.mark.parametrize("key", sorted(RESERVED_KEYS))
def test_keys_that_the_app_needs_are_refused(refused, key):
    sentence = refused(HEAD + f"    key: {key.upper()}\n")

    assert sentence.startswith("3: preset 'one': key ")
    assert "is a key that the app needs itself" in sentence


def test_the_reserved_keys_hold_what_the_app_cannot_do_without():
    assert {
        *("enter", "escape", "left", "right", "up", "down", "tab"),
        *("f9", "f10", "f11", "f12", "ctrl+c", "ctrl+l", "ctrl+p", "ctrl+q", "ctrl+t"),
    } <= RESERVED_KEYS


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("a", "belongs to the prompt"),
        ("shift+a", "belongs to the prompt"),
        ("'1'", "belongs to the prompt"),
        ("Return", "the app needs itself"),
        ("pgup", "the app needs itself"),
        ("f0", "is no key"),
        ("f25", "is no key"),
        ("ctrl", "is no key"),
        ("ctrl+", "is no key"),
        ("hyper+f1", "is no key"),
        ("f1,f2", "is no key"),
        ("ctrl+ä", "is no key"),
    ],
)
def test_keys_that_cannot_pick_a_preset(refused, key, reason):
    sentence = refused(HEAD + f"    key: {key}\n")

    assert sentence.startswith("3: preset 'one': key ")
    assert reason in sentence
    assert sentence.endswith(
        "; use f1 to f8, those with shift (shift+f1), or ctrl or alt with a letter"
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ('""', "must have a name"),
        ("'  '", "must have a name"),
        ("' a'", "begins or ends with a space"),
        ("x" * 25, "longer than 24"),
        ('"a\\tb"', "holds the character '\\t'"),
        ('"\\x9b31m"', "holds the character '\\x9b'"),
    ],
)
def test_names_that_cannot_be_shown(refused, name, fault):
    sentence = refused(f"presets:\n  {name}: {{}}\n")

    assert sentence.startswith("2: preset ")
    assert fault in sentence


def test_anchors_that_would_explode_cost_nothing(refused):
    levels = "".join(f"  a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    began = time.monotonic()

    assert "anchors (&a0)" in refused("presets:\n  a0: &a0 [lol]\n" + levels)
    assert time.monotonic() - began < 1


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("#" * 100_001)
    with pytest.raises(PresetsError, match=r"mine\.yaml: it has more than 100,000 bytes"):
        load_presets(path)
    with pytest.raises(PresetsError, match="it is not a file but a device"):
        load_presets(Path("/dev/zero"))


def test_a_tag_builds_nothing(refused, tmp_path):
    witness = tmp_path / "witness"
    refused(HEAD + f"    key: !!python/object/apply:os.mkdir ['{witness}']\n")

    assert not witness.exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "it is not there"),
        ("directory", "it is not a file but a folder"),
        ("unreadable", "it cannot be read: Permission denied"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, monkeypatch, kind, reason):
    path = tmp_path / "p.yaml"
    if kind == "directory":
        path.mkdir()
    if kind == "unreadable":

        def refuse(*_arguments, **_options):
            raise PermissionError(13, "Permission denied")

        path.touch()
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PresetsError) as caught:
        load_presets(path)

    assert str(caught.value).startswith(f"cannot read presets from {path}: {reason}")


def test_a_file_name_cannot_write_escape_codes(tmp_path):
    with pytest.raises(PresetsError) as caught:
        load_presets(tmp_path / "\x1b[2J\n.yaml")

    assert str(caught.value).isprintable()


@given(st.text(alphabet=" \t\n:-[]{}#&*!|>'\"%@`,abpresets123\u00e9\x1b\u2028", max_size=60))
def test_no_text_whatever_ends_in_anything_but_a_sentence(tmp_path_factory, tail):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text("presets:\n  one:\n    " + tail, encoding="utf-8", newline="")
    sentence = f"{path}:"
    try:
        load_presets(path)
    except PresetsError as error:
        sentence = str(error)

    assert sentence.startswith(f"{path}:")
    assert sentence.isprintable()
