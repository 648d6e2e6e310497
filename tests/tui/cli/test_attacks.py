"""Texts that attack a terminal, through every command that lets one in: none gets out again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from core.backends.scripted import ScriptedBackend
from tests.attacks import ATTACKS, harm_in
from tests.hostile_model import TOKENS, hostile_name, make_hostile_model
from tests.hostile_session import hostile_session
from tui.cli import commands
from tui.cli import generate as headless
from tui.cli.compare import command as comparing

_ALL = tuple(ATTACKS.values())
SEVERAL = tuple("".join(_ALL[at : at + 4]) for at in range(0, len(_ALL), 4))
"""All of them in a few texts, each short enough that a sentence has room for it."""

every_attack = pytest.mark.parametrize("attack", SEVERAL, ids=range(len(SEVERAL)))


@contextlib.contextmanager
def a_terminal():
    """Have the standard streams be a terminal; give a list with what was written to it."""
    master, slave = os.openpty()
    written = bytearray()

    def read():
        with contextlib.suppress(OSError):
            while data := os.read(master, 65536):
                written.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    before = sys.stdin, sys.stdout, sys.stderr
    streams = [
        io.TextIOWrapper(
            os.fdopen(os.dup(slave), "wb"), "utf-8", "backslashreplace", write_through=True
        )
        for _ in range(2)
    ]
    sys.stdout, sys.stderr = streams
    shown: list[str] = []
    try:
        yield shown
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for stream in streams:
            stream.close()
        os.close(slave)
        reader.join()
        os.close(master)
        shown.append(written.decode("utf-8", "surrogateescape"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


def check(*arguments):
    """Run a command on a terminal; see that it says something, and nothing that harms."""
    with a_terminal() as shown:
        code = commands.run(arguments)
    assert shown[0].strip()
    allowed = "\n\r\t" if arguments[0] in ("generate", "export") else "\n\r"
    assert harm_in(shown[0], allowed) == [], shown[0]
    assert code != 70, shown[0]
    return code


@every_attack
@pytest.mark.parametrize(
    "before",
    [
        [],
        ["--preset"],
        ["--model"],
        ["--presets"],
        ["generate", "a", "--set"],
        ["generate", "a", "--unset"],
        ["generate", "a", "--format"],
        ["generate", "a", "--steps"],
        ["generate", "a", "--model"],
        ["generate", "a", "--device"],
        ["compare", "a", "--presets"],
        ["compare", "a", "--sweep"],
        ["compare", "a", "--models"],
        ["info", "--model"],
        ["verify", "--model"],
        ["score"],
        ["download"],
        ["presets"],
        ["keys"],
        ["export"],
        ["sessions"],
    ],
    ids=" ".join,
)
def test_an_argument(attack, before):
    # The system hands no null to a program.
    argument = attack.replace("\0", "")
    assert check(*before, argument) in (1, 2)


def test_an_option_that_there_is_not():
    for attack in SEVERAL:
        check(f"--{attack}", "x")
        check("generate", "a", f"--{attack}")
        check("generate", "a", "--set", f"{attack}=1")
        check("generate", "a", "--set", f"top_k={attack}")


@pytest.mark.parametrize("output_format", ["text", "table", "jsonl", "csv", "markdown"])
def test_a_prompt_and_what_a_model_writes(monkeypatch, output_format):
    texts = [*ATTACKS.values()]
    monkeypatch.setattr(headless, "make_backend", lambda *_: ScriptedBackend(texts))
    for preset in ("greedy", "beam"):
        prompt = "".join(one for name, one in ATTACKS.items() if "surrogate" not in name)
        assert check("generate", prompt, "--preset", preset, "--format", output_format) in (0, 2)


@pytest.mark.parametrize("output_format", ["table", "jsonl", "markdown"])
def test_a_prompt_and_what_columns_write(monkeypatch, output_format):
    texts = [*ATTACKS.values()]
    monkeypatch.setattr(comparing, "make_backend", lambda *_: ScriptedBackend(texts))
    prompt = "".join(one for name, one in ATTACKS.items() if "surrogate" not in name)
    for presets in (["--presets", "greedy,beam"], ["--preset", "nucleus", "--seeds", "2"]):
        assert check("compare", prompt, *presets, "--format", output_format) in (0, 2)


@every_attack
def test_a_preset_file(attack, tmp_path):
    quoted = json.dumps(attack)
    for text in (
        f"presets: {{{quoted}: {{description: {quoted}}}}}",
        f"presets: {{a: {{description: {quoted}, settings: {{stop_strings: [{quoted}]}}}}}}",
        f"presets: {{a: {{key: {quoted}}}}}",
        f"presets: {{a: {{settings: {{{quoted}: 1}}}}}}",
        f"presets: {{a: {{settings: {{top_k: {quoted}}}}}}}",
        f"presets: {{a: {{chat: {{{quoted}: {quoted}}}}}}}",
        f"{quoted}: 1",
        f"model: {quoted}",
        f"presets: {attack}",
        attack,
    ):
        file = tmp_path / "p.yaml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        check("presets", "--presets", str(file))
        check("generate", "a", "--presets", str(file), "--model", "no-such-model")


@every_attack
def test_a_file_of_keys(attack, tmp_path):
    folder = tmp_path / "config" / "gpt2-playground"
    folder.mkdir(parents=True)
    quoted = json.dumps(attack)
    for text in (f"keys: {{{quoted}: f5}}", f"keys: {{why: {quoted}}}", f"{quoted}: 1", attack):
        (folder / "keys.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        check("keys")


@every_attack
def test_names_of_files(attack, tmp_path):
    name = attack.replace("\0", "").replace("/", "_")[:60]
    with contextlib.suppress(OSError, UnicodeEncodeError):
        file = tmp_path / name
        file.write_text("not: [right")
        check("presets", "--presets", str(file))
        check("score", str(file), "--presets", str(file))
        check("generate", "a", "--model", str(file))
        file.unlink()
        file.mkdir()
        check("generate", "a", "--model", str(file))


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "{}", "architectures": ["{}"]},
        {"model_type": "gpt2", "n_layer": "{}", "torch_dtype": "{}", "auto_map": {"{}": "{}"}},
    ],
)
def test_files_of_a_model(config, tmp_path):
    attack = json.dumps("".join(ATTACKS.values()))[1:-1]
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config).replace("{}", attack))
    (folder / "tokenizer.json").write_text(f'{{"{attack}": 1, "model": "{attack}"}}')
    (folder / "tokenizer_config.json").write_text(f'{{"tokenizer_class": "{attack}"}}')
    (folder / "generation_config.json").write_text(f'{{"{attack}": "{attack}"}}')
    for command in (["info"], ["generate", "a"]):
        check(*command, "--model", str(folder))


def test_a_model_that_writes_attacks(tmp_path):
    folder = tmp_path / hostile_name("".join(TOKENS))
    make_hostile_model(folder)
    drawn = ("--set", "do_sample=true", "--seed", "1", "--steps", "60", "--model", str(folder))
    for output_format in ("text", "table"):
        assert check("generate", TOKENS[0], "--format", output_format, *drawn) == 0


@every_attack
def test_a_file_that_was_exported(attack, tmp_path):
    file = tmp_path / "run.jsonl"
    for record in (
        {"type": attack},
        {"type": "started", "format": attack},
        {"type": "started", "format_version": attack, "model": attack},
        {attack: attack},
        {"type": "started", "model": "demo", "preset": attack, "token_ids": attack},
    ):
        file.write_text(json.dumps(record) + "\n")
        for command in ("score", "export"):
            check(command, str(file))
    assert Path(file).exists()


def test_a_session(tmp_path):
    folder = tmp_path / "data" / "gpt2-playground" / "sessions"
    session = folder / "hostile.jsonl"
    hostile_session(session)
    for command in (
        ["sessions"],
        ["sessions", "--format", "json"],
        ["sessions", "show", "1"],
        ["sessions", "delete", "no such \x1b]0;owned\x07"],
        *(["export", str(session), "--format", one] for one in ("html", "svg", "markdown")),
        *(["export", str(session), "--format", one, "--run", "2"] for one in ("csv", "text")),
        ["export", str(session), "--run", "".join(ATTACKS.values())],
        ["replay", str(session)],
        ["import", str(session)],
    ):
        check(*command)
