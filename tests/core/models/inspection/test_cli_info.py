"""``info`` and ``verify`` as commands: what goes where, and which model they mean."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from core.records.errors import PlaygroundError
from tui.cli.choices import Choices
from tui.cli.models import info as cli_info
from tui.cli.models import verify as cli_verify
from tui.cli.models.info import InfoFormat, info_command, run_info
from tui.cli.models.verify import verify_command

SMALL = {"model_type": "gpt2", "vocab_size": 9, "n_embd": 4, "n_layer": 2, "n_head": 2}


def test_text_is_on_standard_output(gpt2_xl, capfd):
    assert run_info("gpt2-xl", InfoFormat.TEXT, lambda _name: gpt2_xl) == 0
    out, err = capfd.readouterr()
    assert out.startswith("MODEL\n  name          gpt2-xl\n")
    for fact in ("(0-47): 48 x GPT2Block(", "1,557,611,200", "50,257", "tied to transformer.wte"):
        assert fact in out
    assert out.endswith("for 1,024 tokens\n")
    assert err == ""


def test_json_is_one_object(gpt2_xl, capfd):
    assert run_info("gpt2-xl", InfoFormat.JSON, lambda _name: gpt2_xl) == 0
    out, err = capfd.readouterr()
    report = json.loads(out)
    assert out.isascii()
    assert report["totals"]["parameters"] == 1_557_611_200
    assert report["config"]["n_layer"] == 48
    assert report["tokenizer"] is None
    assert err == ""


def test_a_folder_by_its_path(folder_of, capfd):
    folder = folder_of(SMALL)
    assert run_info(str(folder), InfoFormat.TEXT) == 0
    assert "GPT2LMHeadModel (gpt2)" in capfd.readouterr().out


@pytest.mark.usefixtures("started_anew")
def test_the_bundled_model(capfd):
    assert run_info("demo", InfoFormat.JSON) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["weights"]["files"] == 1
    assert report["tokenizer"]["maximum_length"] == report["facts"]["context_size"]
    assert report["tokenizer"]["vocabulary_size"] == report["facts"]["vocabulary_size"]


def test_bad_input_is_one_sentence_and_no_output(folder_of, capfd):
    with pytest.raises(PlaygroundError, match="broken JSON"):
        run_info(str(folder_of("{")), InfoFormat.TEXT)
    with pytest.raises(PlaygroundError, match="no folder"):
        run_info("./nowhere", InfoFormat.TEXT)
    assert capfd.readouterr() == ("", "")


def test_a_report_that_ends_without_an_answer_is_told(tmp_path, monkeypatch, capfd):
    program = tmp_path / "program.py"
    program.write_text("print('half of'); raise SystemExit(3)")
    monkeypatch.setattr("core.models.inspection.apart._PROGRAM", program)
    with pytest.raises(PlaygroundError, match=r"nothing can be told of 'demo': .* code 3"):
        run_info("demo", InfoFormat.TEXT)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def command(monkeypatch):
    """Run a command line of these two alone; return what they were asked for."""
    asked = []
    monkeypatch.setattr(cli_info, "run_info", lambda *given: asked.append(given) or 0)
    monkeypatch.setattr(cli_verify, "run_verify", lambda *given: asked.append(given) or 0)
    app = typer.Typer(rich_markup_mode=None)
    app.command("info")(info_command)
    app.command("verify")(verify_command)

    def command(*arguments, choices=None):
        asked.clear()
        result = CliRunner().invoke(app, list(arguments), obj=choices)
        return asked[0] if asked else result

    return command


def test_which_model_info_means(command, tmp_path, monkeypatch):
    assert command("info", "--model", "a") == ("a", InfoFormat.TEXT)
    assert command("info", "--format", "json", choices=Choices(model="b")) == ("b", InfoFormat.JSON)
    assert command("info", "--model", "a", choices=Choices(model="b"))[0] == "a"
    presets = tmp_path / "presets.yaml"
    presets.write_text("model: c\npresets:\n  one: {settings: {do_sample: false}}\n")
    assert command("info", choices=Choices(presets=presets))[0] == "c"
    presets.write_text("presets:\n  one: {settings: {do_sample: false}}\n")
    monkeypatch.setattr(cli_info, "default_model", lambda: "d")
    assert command("info", choices=Choices(presets=presets))[0] == "d"


def test_which_model_verify_means(command):
    assert command("verify") == ("gpt2-xl", "auto")
    assert command("verify", "--model", "demo", "--device", "cpu") == ("demo", "cpu")
    assert command("verify", choices=Choices(model="demo", device="cuda:1")) == ("demo", "cuda:1")


@pytest.mark.parametrize("arguments", [("info", "--format", "xml"), ("verify", "--device", "tpu")])
def test_a_wrong_option_is_a_usage_error(command, arguments):
    result = command(*arguments)
    assert result.exit_code == 2
    assert arguments[-1] in result.output
