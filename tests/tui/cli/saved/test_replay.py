"""``gpt2-playground replay``: a saved run or session in, the first difference out."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import re
import shutil

import pytest
from safetensors.torch import load_file, save_file

from core.backends.local import LocalBackend
from core.models.catalog import model_folder
from core.models.fingerprint import weights_fingerprint
from core.records.settings import Settings
from tests.core.sessions.recorded import Recorded
from tui.cli.commands import run


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Saved runs by their preset, as generate writes them."""
    folder = tmp_path_factory.mktemp("runs")
    chosen = ("--model", "demo", "--device", "cpu", "--steps", "6", "--format", "jsonl")
    chosen += ("--seed", "3")  # one that does not end early
    files = {}
    for preset in ("greedy", "nucleus", "beam", "chat"):
        files[preset] = folder / f"{preset}.jsonl"
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert run(["generate", "Größe: once", "--preset", preset, *chosen]) == 0
        files[preset].write_text(out.getvalue())
    return files


def changed(file, tmp_path, line, change):
    """The same file with one line of it changed."""
    lines = file.read_text().splitlines()
    record = json.loads(lines[line])
    change(record)
    lines[line] = json.dumps(record)
    new = tmp_path / file.name
    new.write_text("\n".join(lines) + "\n")
    return str(new)


@pytest.mark.parametrize("preset", ["greedy", "nucleus", "beam", "chat"])
def test_nothing_differs(cli, saved, preset):
    code, out, err = cli("replay", str(saved[preset]))
    assert code == 0, out
    assert "the same" in out
    assert "the run came out the same, within 0.0001 in probabilities" in out
    assert "replay: starting torch" in err
    for name in ("torch", "transformers"):
        assert out.count(importlib.metadata.version(name)) == 2
    assert re.search("^revision +not known +not known$", out, re.MULTILINE)


def test_a_token_that_differs_is_told_with_its_step(cli, saved, tmp_path):
    def change(record):
        record["token"] = {**record["candidates"][1], "rank": 2}

    file = changed(saved["greedy"], tmp_path, 3, change)
    code, out, _ = cli("replay", file)
    tokens = json.loads(saved["greedy"].read_text().splitlines()[3])["candidates"]
    told = [f"{one['text']!r} ({one['token_id']})" for one in (tokens[1], tokens[0])]
    assert code == 1
    assert f"step 3: token: then {told[0]}, now {told[1]}" in out
    assert "1 of 1 runs differ" in out


def test_versions_that_differ_are_marked_and_are_no_difference(cli, saved, tmp_path):
    def change(record):
        record["torch"], record["revision"], record["engine"] = "2.0.0", "abc", None

    code, out, _ = cli("replay", changed(saved["greedy"], tmp_path, 0, change))
    rows = {line.split()[0]: line for line in out.splitlines() if line[:1].isalpha()}
    assert code == 0
    assert rows["torch"].split() == [
        *("torch", "2.0.0", importlib.metadata.version("torch"), "differs")
    ]
    assert rows["revision"].split() == ["revision", "abc", "not", "known"]
    assert rows["engine"].split()[:3] == ["engine", "not", "known"]


def test_weights_that_changed_under_the_same_name_stand_side_by_side(cli, saved, tmp_path):
    bundled = model_folder("demo")
    shutil.copytree(bundled, tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    weights["transformer.wte.weight"] *= 1.5
    save_file(weights, file, {"format": "pt"})

    code, out, _ = cli("replay", str(saved["greedy"]), "--model", str(tmp_path / "model"))
    (row,) = (line.split() for line in out.splitlines() if line.startswith("weights"))
    assert (code, row[-1]) == (1, "differs")
    assert row[1] == weights_fingerprint(bundled)[:12] != row[2]


def test_json(cli, saved, tmp_path):
    code, out, _ = cli("replay", str(saved["nucleus"]), "--format", "json")
    result = json.loads(out)
    assert (code, result["differing"]) == (0, 0)
    (one,) = result["runs"]
    assert (one["difference"], one["tokens"], one["tolerance"]) == (None, 6, 1e-4)
    assert one["then"] == one["now"]

    def change(record):
        record["candidates"][2]["logprob"] -= 1.0

    file = changed(saved["nucleus"], tmp_path, 4, change)
    code, out, _ = cli("replay", file, "--format", "json")
    difference = json.loads(out)["runs"][0]["difference"]
    assert (code, difference["index"], difference["kind"]) == (1, 3, "probability")
    assert difference["then"] < difference["now"]
    assert set(difference["candidate"]) == {"token_id", "text"}


def test_a_session_with_a_torn_last_line_is_replayed_as_far_as_it_is_whole(cli, tmp_path):
    work = Recorded()
    work.backend = LocalBackend("demo", "cpu", "float32")
    work.model = work.backend.load(lambda stage, share=None: None)
    work.send("Once upon a time", Settings(max_new_tokens=4, do_sample=True))
    work.name(1, "the first")
    work.send("", Settings(max_new_tokens=4))
    work.backend.close()
    file = tmp_path / "session.jsonl"
    file.write_bytes(work.bytes()[:-9])
    code, out, err = cli("replay", str(file))
    assert code == 0
    assert "the first  4 tokens  the same" in out
    assert "all 2 runs came out the same" in out
    assert "its last line is not whole" in err or "damaged" in err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": "9.0"}, "the file has format 9.0"),
        ({"model": None}, "the file does not say which model wrote the run; give --model"),
        ({"model": "./nowhere"}, "or say by --model what is to run instead"),
        ({"settings": None}, "does not say with which settings"),
        ({"context_token_ids": [10**6], "prompt_token_ids": []}, "1,000,000"),
        ({"dtype": "float12"}, "float12"),
        ({"device": "toaster"}, "toaster"),
        ({"seed": -1}, "'seed'"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_bad_input_is_one_sentence(cli, saved, tmp_path, change, sentence):
    file = changed(saved["greedy"], tmp_path, 0, lambda record: record.update(change))
    code, out, err = cli("replay", file)
    complaints = [line for line in err.splitlines() if not line.startswith("replay: ")]
    assert (code, out, len(complaints)) == (2, "", 1)
    assert sentence in complaints[0]


@pytest.mark.parametrize("text", ["", "Once upon a time", '{"type": "started"}', "{}"])
def test_another_file_is_told(cli, tmp_path, text):
    file = tmp_path / "story.txt"
    file.write_text(text)
    code, out, err = cli("replay", str(file))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "story.txt" in err


def test_a_model_with_other_tokens_is_refused(cli, saved, tmp_path):
    def change(record):
        record["model"] = "gpt2"

    lines = saved["greedy"].read_text().splitlines()
    for line in range(1, len(lines) - 1):
        record = json.loads(lines[line])
        record["token"]["text"] += "?"
        lines[line] = json.dumps(record)
    file = tmp_path / "other.jsonl"
    file.write_text("\n".join(lines))
    file = changed(file, tmp_path, 0, change)
    code, out, err = cli("replay", file, "--model", "demo")
    assert (code, out) == (2, "")
    assert "written by gpt2, whose tokens are not those of demo" in err
