"""``gpt2-playground score``: a text in, what it cost and who could have written it out."""

from __future__ import annotations

import io
import json
import sys
from functools import partial

import pytest

from tui.cli.commands import run

TEXT = "A long time ago there was a cat.\n"


@pytest.fixture
def cli(cli):
    return partial(cli, "score", "--model", "demo", "--device", "cpu")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return str(file)


def test_table(cli, file):
    code, out, err = cli(file)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["TOKEN", "TEXT", "PROBABILITY", "RANK", "BITS", "LIKELIEST"]
    assert "' time'" in out
    assert any("perplexity" in line and "greedy leaves it at token" in line for line in lines)
    heading = next(at for at, line in enumerate(lines) if line.startswith("PRESET"))
    verdicts = {line.split()[0]: line.split()[1] for line in lines[heading + 1 :]}
    assert verdicts["sample"] == "yes"
    assert verdicts["beam"] == "unknown"
    assert verdicts["greedy"] == "no"
    assert "greedy takes" in out
    assert "model: demo" in err


@pytest.mark.parametrize("preset", ["greedy", "nucleus", "hot"])
def test_an_exported_run_is_scored_by_its_own_tokens(cli, capfd, tmp_path, preset):
    prompt = "Colourless green ideas"
    chosen = ("--model", "demo", "--device", "cpu", "--preset", preset, "--seed", "4")
    assert run(("generate", prompt, *chosen, "--steps", "20", "--format", "jsonl")) == 0
    out, _ = capfd.readouterr()
    file = tmp_path / "run.jsonl"
    file.write_text(out)
    code, out, err = cli(str(file), "--format", "jsonl", "--preset", preset)
    records = [json.loads(line) for line in out.splitlines()]
    finished = json.loads(file.read_text().splitlines()[-1])
    assert code == 0
    assert "an exported run" in err
    assert records[-1]["token_ids"] == finished["token_ids"]
    assert records[-2]["reachable"] is True
    assert records[-2]["other_tokens"] is False
    code, _, err = cli(str(file), "--prompt", "a")
    assert (code, "has its own prompt" in err) == (2, True)
    file.write_text(file.read_text().replace('"text": "', '"text": "never '))
    code, _, err = cli(str(file))
    assert (code, "whose tokens are not those of demo" in err) == (2, True)
    file.write_text(file.read_text().splitlines()[0])
    code, _, err = cli(str(file))
    assert (code, "no whole one in it" in err) == (2, True)


def test_a_run_may_be_longer_than_a_text(cli, capfd, tmp_path):
    chosen = ("--model", "demo", "--device", "cpu", "--preset", "beam")
    assert run(("generate", "A long long time ago,", *chosen, "--format", "jsonl")) == 0
    out, _ = capfd.readouterr()
    file = tmp_path / "run.jsonl"
    file.write_text(out)
    assert file.stat().st_size > 1_000_000
    assert cli(str(file), "--preset", "sample")[0] == 0
    file.write_text("a" * 1_000_001)
    code, _, err = cli(str(file))
    assert (code, "has more than 1,000,000 bytes" in err) == (2, True)


def test_jsonl_and_chosen_presets(cli, file):
    code, out, _ = cli(file, "--format", "jsonl", "--preset", "sample", "--preset", "nucleus")
    records = [json.loads(line) for line in out.splitlines()]
    tokens = [one for one in records if one["type"] == "token"]
    presets = [one for one in records if one["type"] == "preset"]
    assert code == 0
    assert "".join(one["text"] for one in tokens) == TEXT.rstrip("\n")
    assert [one["preset"] for one in presets] == ["sample", "nucleus"]
    assert presets[0]["reachable"] is True
    assert presets[0]["bits"] == pytest.approx(sum(one["bits"] for one in tokens))
    assert presets[1]["forbidden"]["cut_by"] == "top_p"
    assert records[-1]["type"] == "text"
    assert records[-1]["perplexity"] == pytest.approx(presets[0]["perplexity"])


def test_standard_input_behind_a_prompt(cli, monkeypatch):
    data = io.TextIOWrapper(io.BytesIO(b" time ago"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", data)
    code, out, _ = cli("-", "--prompt", "A long long", "--format", "jsonl", "--preset", "greedy")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [one["text"] for one in records if one["type"] == "token"] == [" time", " ago"]
    assert records[-1]["context_token_ids"]


@pytest.mark.parametrize("way", ["file", "standard input", "prompt"])
def test_a_byte_order_mark_is_never_scored(cli, tmp_path, monkeypatch, way):
    data = b"\xef\xbb\xbf time ago\n"
    file = tmp_path / "text.txt"
    file.write_bytes(data if way == "file" else b" time ago")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    name = "-" if way == "standard input" else str(file)
    prompt = "\ufeffA long" if way == "prompt" else "A long"
    arguments = (name, "--format", "jsonl", "--preset", "greedy", "--prompt", prompt)
    code, out, _ = cli(*arguments)
    assert code == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert [one["text"] for one in records if one["type"] == "token"] == [" time", " ago"]
    assert len(records[-1]["context_token_ids"]) == 2


def test_escape_codes_are_spelled_out(cli, tmp_path):
    file = tmp_path / "evil.txt"
    file.write_bytes(b"a\x1b[2Jb\nc")
    code, out, _ = cli(str(file), "--preset", "sample")
    assert code == 0
    assert "\x1b" not in out
    assert "\\x1b" in out
    assert "'\\n'" in out


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"", "no text to score"), (b"a" * 1_000_001, "bytes")],
)
def test_texts_that_cannot_be_used(cli, tmp_path, data, complaint):
    file = tmp_path / "text.txt"
    file.write_bytes(data)
    code, out, err = cli(str(file))
    assert code == 2
    assert out == ""
    assert complaint in err
    assert "Traceback" not in err


def test_files_and_presets_that_are_not_there(cli, file, tmp_path):
    code, _, err = cli(str(tmp_path / "none.txt"))
    assert code == 2
    assert "none.txt' is not there" in err
    assert cli(str(tmp_path))[0] == 2
    code, _, err = cli(file, "--preset", "gredy")
    assert code == 2
    assert "did you mean 'greedy'" in err
    assert "torch" not in err
