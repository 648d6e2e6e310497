"""The command line refuses: one sentence and exit 2 for bad input, 1 for a run that breaks."""

from __future__ import annotations

import io
import sys

import pytest

from core.backends.scripted import ScriptedBackend
from core.records.errors import PlaygroundError
from core.records.steps import Finished, TokenStep
from tui.cli import generate as headless

pytestmark = pytest.mark.usefixtures("in_the_repository")

PROMPT = "A long time ago, "


@pytest.fixture
def refused(cli):
    """Return the sentence of a run that has to end with 2 and nothing else."""

    def refused(*arguments):
        code, out, err = cli(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("gpt2-playground: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err.removeprefix("gpt2-playground: ").rstrip("\n")

    return refused


def give_stdin(monkeypatch, data: bytes):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


# Bad input: exit 2, one sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["genrate"], "there is no command 'genrate'; did you mean 'generate'?"),
        (["A long"], "there is no command 'A long'; there are generate, compare, presets, keys,"),
        (["generate"], "Missing argument 'PROMPT'"),
        (["generate", "a", "b"], "Got unexpected extra argument"),
        (["generate", "a", "--stps", "3"], "there is no option --stps; did you mean --steps?"),
        (["--presett", "x"], "there is no option --presett; did you mean --preset?"),
        (["--nonsense"], "there is no option --nonsense; gpt2-playground --help names those"),
        (["score", "--nonsense"], "there is no option --nonsense; gpt2-playground score --help"),
        (
            ["generate", "a", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'text', 'table', 'jsonl', 'csv'",
        ),
        (["score", "a", "--format", "x"], "Invalid value for '--format': 'x' is not one of 'tab"),
        (["info", "--format", "x"], "Invalid value for '--format': 'x' is not one of 'text', 'js"),
        (["generate", "a", "--steps", "0"], "--steps must be at least 1, not 0"),
        (["generate", "a", "--steps", "abc"], "--steps must be a whole number, not 'abc'"),
        (["--seed", "1.5"], "--seed must be a whole number, not '1.5'"),
        (["generate", "a", "--seed", "-1"], "--seed must be from 0 to 9223372036854775807, not -1"),
        (["generate", "a", "--dtype", "int4"], "Invalid value for '--dtype': 'int4' is not one of"),
        (["generate", "a", "--assistant", "gpt2"], "Invalid value for '--assistant'"),
        (["generate", "a", "--device", "tpu"], "Invalid value for '--device': 'tpu' is not one of"),
        (["generate", "a", "--preset", "beem"], "no preset 'beem' in presets.yaml; did you mean"),
        (["generate", "a", "--set", "top_k"], "--set 'top_k' must be name=value"),
        (["generate", "a", "--set", "=5"], "--set '=5' must be name=value"),
        (["generate", "a", "--set", "tempature=1"], "unknown setting 'tempature'; did you mean"),
        (["generate", "a", "--set", "top_p=0.5"], "top_p has no effect without do_sample"),
        (["generate", "a", "--set", "top_k=[1"], "top_k must be a whole number, not '[1'"),
        (
            ["generate", "a", "--set", "top_k=!!int 1"],
            "top_k must be a whole number, not '!!int 1'",
        ),
        (["generate", "a", "--set", "top_k=1 # 2"], "top_k must be a whole number, not '1 # 2'"),
        (["generate", "a", "--set", "top_k=1_000"], "top_k must be a whole number, not '1_000'"),
        (["generate", "a", "--set", "top_k=0x10"], "top_k must be a whole number, not '0x10'"),
        (["generate", "a", "--set", "top_k=1e3"], "top_k must be a whole number, not 1000.0"),
        (["generate", "a", "--set", "top_k=" + "9" * 61], "--set 'top_k=99999"),
        (["generate", "a", "--set", "do_sample=no"], "do_sample must be true or false, not 'no'"),
        (["generate", "a", "--set", "stop_strings="], "--set 'stop_strings=' has no value; give"),
        (["generate", "a", "--set", "top_k="], "--set 'top_k=' has no value; give one behind"),
        (["generate", "a", "--set", "top_k= \n"], "--set 'top_k= \\n' has no value; give one"),
        (["generate", "a", "--set", "stop_strings=\udc80"], "--set stop_strings=… is not UTF-8"),
        (["generate", "a", "--set", "stops=a"], "unknown setting 'stops'"),
        (["generate", "a", "--unset", "topk"], "unknown setting 'topk'; did you mean 'top_k'?"),
        (["--seed", "1", "score", "a"], "--seed has no effect on score; leave it out"),
        (["--engine", "fast", "info"], "--engine has no effect on info; leave it out"),
        (["--preset", "greedy", "presets"], "--preset has no effect on presets; leave it out"),
        (["--model", "gpt2", "download", "gpt2"], "--model has no effect on download; leave it"),
        (["--dtype", "int8", "verify"], "--dtype has no effect on verify; leave it out"),
        (["generate", "a\udc80"], "the prompt is not UTF-8 text"),
        (["generate", "a", "--presets", "nowhere.yaml"], "cannot read presets from nowhere.yaml"),
        (["presets", "--presets", "nowhere.yaml"], "cannot read presets from nowhere.yaml"),
        (["generate", "a", "--model", ""], "--model is empty; give a name or a folder"),
        (["--model", "", "generate", "a"], "--model is empty; give a name or a folder"),
        (["info", "--model", ""], "--model is empty; give a name or a folder"),
        (["info", "--model", "~nobody-has-this/x"], "the folder '~nobody-has-this/x' cannot be"),
        (["info", "--model", "a" * 5000], f"the folder '{'a' * 100}…' cannot be read: File name"),
        (["generate", "a", "--\x1b[2J"], "there is no option --\\x1b[2J; "),
    ],
)
def test_bad_input(refused, backend, arguments, sentence):
    said = refused(*arguments)

    assert said.startswith(sentence)
    assert said.isprintable()
    assert backend.requests == []


@pytest.mark.parametrize("where", ["--model", "--presets"])
@pytest.mark.parametrize("name", ["~nobody-has-this/x", "./" + "a" * 5000, "a" * 5000])
def test_a_model_that_the_system_refuses_the_name_of(cli, tmp_path, where, name):
    path = tmp_path / "p.yaml"
    path.write_text(f"model: {name[:1000]}\npresets:\n  one: {{}}\n")
    code, out, err = cli("generate", "a", where, name if where == "--model" else str(path))

    assert (code, out) == (2, "")
    assert "cannot be read: " in err
    assert "name a folder with a saved model" in err
    assert len(err) < 300


def test_standard_input_that_is_not_utf8(refused, backend, monkeypatch):
    give_stdin(monkeypatch, b"\xff\n")

    assert refused("generate", "-") == "the prompt is not UTF-8 text"


def test_a_wrong_presets_file_is_told_with_its_line(refused, backend, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("presets:\n  one:\n    key: enter\n")

    assert refused("presets", "--presets", str(path)).startswith(f"{path}:3: preset 'one': key")
    assert refused("generate", "a", "--presets", str(path)).startswith(f"{path}:3: preset 'one'")


def test_without_a_terminal_the_app_names_the_command_that_needs_none(refused):
    said = refused()

    assert "gpt2-playground generate" in said


# Errors on the way


def test_a_model_that_cannot_be_had(cli, monkeypatch):
    monkeypatch.setattr(
        headless, "make_backend", lambda *_: ScriptedBackend(load_error="no model; try demo")
    )

    code, out, err = cli("generate", PROMPT)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "gpt2-playground: no model; try demo"


class Failing(ScriptedBackend):
    """Fails before or in the middle of a run."""

    def __init__(self, error, after_steps):
        super().__init__()
        self.error, self.after_steps = error, after_steps

    def generate(self, request, is_cancelled):
        if self.after_steps < 0:
            raise self.error
        for event in super().generate(request, is_cancelled):
            if isinstance(event, TokenStep) and event.index == self.after_steps:
                raise self.error
            yield event


@pytest.mark.parametrize(
    ("error", "after_steps", "code", "out", "said"),
    [
        (PlaygroundError("the prompt is too long"), -1, 2, "", "the prompt is too long"),
        (PlaygroundError("the device is gone"), 1, 1, " far", "the device is gone"),
        (RuntimeError("CUDA\nerror"), 1, 70, " far", "unexpected RuntimeError: CUDA error"),
    ],
)
def test_a_run_that_breaks(cli, monkeypatch, error, after_steps, code, out, said):
    backend = Failing(error, after_steps)
    monkeypatch.setattr(headless, "make_backend", lambda *_: backend)
    result = cli("generate", PROMPT)

    assert result[:2] == (code, out)
    assert result[2].splitlines()[-1].startswith(f"gpt2-playground: {said}")
    assert "Traceback" not in result[2]
    assert backend.closed


@pytest.mark.parametrize("beams", [1, 2])
def test_what_a_run_had_written_when_it_broke_off_is_in_every_format(
    cli, monkeypatch, tmp_path, beams
):
    class Breaking(ScriptedBackend):
        def generate(self, request, is_cancelled):
            for event in super().generate(request, is_cancelled):
                if isinstance(event, Finished):
                    raise PlaygroundError("no memory is left")
                yield event

    monkeypatch.setattr(headless, "make_backend", lambda *_: Breaking())
    ask = ("generate", PROMPT, "--steps", "3", "--set", f"num_beams={beams}", "--format")
    for name in ("text", "table", "jsonl", "csv", "markdown", "html"):
        code, out, err = cli(*ask, name)
        assert (code, err.splitlines()[-1]) == (1, "gpt2-playground: no memory is left")
        assert "away" in out
        if name in ("jsonl", "markdown", "html"):
            assert "no memory is left" in out
    file = tmp_path / "run.jsonl"
    file.write_text(cli(*ask, "jsonl")[1])
    assert cli("export", str(file), "--format", "text") == (0, " far, away", "")


def test_a_run_that_fails_by_its_own_word(cli, monkeypatch):
    class Resigning(ScriptedBackend):
        def generate(self, request, is_cancelled):
            yield Finished("failed", (), "", 0.0, detail="out of memory")

    monkeypatch.setattr(headless, "make_backend", lambda *_: Resigning())
    code, out, err = cli("generate", PROMPT)

    assert (code, out) == (1, "")
    assert err.endswith("gpt2-playground: the run failed: out of memory\n")


@pytest.mark.parametrize("arguments", [[], ["presets"], ["generate", PROMPT], ["score", "-"]])
def test_a_working_directory_that_was_removed(cli, tmp_path, monkeypatch, arguments):
    """What torch loads would end the process there, by itself and in the alternate screen."""
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    monkeypatch.chdir(doomed)
    doomed.rmdir()
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert err == (
        "gpt2-playground: the working directory cannot be used (No such file or directory); "
        "go to another one with cd\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--new", "--session", "a"], "--new and --session exclude each other; leave one out"),
        (["--new", "generate", "a"], "--new has no effect on generate; leave it out"),
        (["--session", "a", "presets"], "--session has no effect on presets; leave it out"),
    ],
)
def test_sessions_are_the_apps(refused, arguments, sentence):
    assert refused(*arguments) == sentence


@pytest.mark.parametrize("called", ["nobody", "", "/", "\x1b[2J.jsonl/x"])
def test_a_session_that_there_is_not(refused, monkeypatch, tmp_path, called):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("tui.cli.open_app.check_terminal", lambda: None)
    if called.startswith("\x1b"):
        (tmp_path / "\x1b[2J.jsonl").touch()
        called = str(tmp_path / called)
    sentence = refused("--model", "demo", "--session", called)
    assert "\x1b" not in sentence
