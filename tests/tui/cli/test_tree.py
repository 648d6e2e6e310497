"""``gpt2-playground tree``: what could be said behind a prompt, with its probability."""

from __future__ import annotations

import io
import json
import sys
import threading
from functools import partial

import pytest

from core.backends.scripted import ScriptedBackend
from core.records.errors import PlaygroundError
from tui.cli.outlook import command

pytestmark = pytest.mark.usefixtures("in_the_repository")


@pytest.fixture
def tree(cli):
    return partial(cli, "tree", "--model", "demo")


@pytest.fixture
def scripted(monkeypatch):
    backend = ScriptedBackend(("[b]far", "\n", "\x1b[31mred"))
    monkeypatch.setattr(command, "make_backend", lambda *_: backend)
    return backend


def records(out):
    return [json.loads(line) for line in out.splitlines()]


def test_all_that_is_told_and_left_out_is_one(tree):
    code, out, err = tree("Once upon", "--preset", "nucleus", "--depth", "3", "--format", "jsonl")
    first, *found, last = records(out)
    texts = [one for one in found if one["type"] == "text"]
    behind = [one for one in found if one["type"] == "looked_behind"]

    assert code == 0
    assert (first["type"], first["preset"], first["model"]) == ("outlook", "nucleus", "demo")
    assert (first["prompt"], first["depth"], first["least"]) == ("Once upon", 3, 0.01)
    covered = sum(one["path_probability"] for one in texts if one["end"])
    assert covered + sum(one["left_out"] for one in behind) == pytest.approx(1, abs=1e-9)
    assert (last["covered"], last["open"]) == (pytest.approx(covered), 0)
    assert (last["reason"], last["texts"]) == ("complete", len(texts))
    assert {one["index"] for one in behind} >= {one["parent"] for one in texts}
    assert all(one["path_probability"] >= 0.01 - 1e-9 for one in texts)
    assert "covered: " in err
    assert "left out for being less likely than 0.01" in err


def test_what_is_no_part_of_it_is_told(tree):
    code, out, err = tree("Once upon", "--preset", "beam", "--depth", "2", "--least", "20%")
    assert code == 0
    assert out.splitlines()[0].split() == ["PROBABILITY", "STEP", "TEXT"]
    assert out.splitlines()[1].split()[2:] == ["'", "a'"]
    assert "num_beams is left out" in err
    assert "do_sample is off" in err
    _, _, err = tree(
        "Once upon", "--preset", "sample", "--depth", "2", "--least", "0.2", "--set", "top_k=0"
    )
    assert "left out: the tree" not in err
    assert "do_sample" not in err


@pytest.mark.parametrize("form", ["table", "mermaid", "dot"])
def test_no_text_leaves_its_place(cli, scripted, form):
    code, out, _ = cli("tree", "\x1b[31ma", "--preset", "nucleus", "--depth", "3", "--format", form)
    assert code == 0
    assert "\x1b" not in out
    rows = out.count("\n")
    assert rows == {"table": 1 + 21, "mermaid": 2 + 2 * 21, "dot": 4 + 2 * 21}[form]


def test_it_is_stopped_and_keeps_what_it_has(cli, scripted, monkeypatch):
    stop = threading.Event()

    class Stopped:
        def __enter__(self):
            return stop

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(command, "cancel_on_interrupt", Stopped)
    seen = []
    emit = command.emit

    def stopping(text):
        seen.append(text)
        emit(text)
        if len(seen) == 6:
            stop.set()

    monkeypatch.setattr(command, "emit", stopping)
    code, out, err = cli("tree", "a", "--preset", "nucleus", "--format", "jsonl")
    last = records(out)[-1]
    assert code == 130
    assert last["reason"] == "cancelled"
    assert last["open"] > 0.2
    assert last["open"] + last["covered"] + last["left_out"] == pytest.approx(1)
    assert "not looked behind" in err


def test_what_breaks_off_keeps_what_it_has(cli, scripted, monkeypatch):
    whole = scripted.outlook

    def broken(request, reach, is_cancelled):
        yield next(whole(request, reach, is_cancelled))
        raise PlaygroundError("cpu ran out of memory; look less far")

    monkeypatch.setattr(scripted, "outlook", broken)
    code, out, err = cli("tree", "a", "--format", "jsonl")
    assert (code, records(out)[-1]["reason"]) == (1, "failed")
    assert err.splitlines()[-1] == "gpt2-playground: cpu ran out of memory; look less far"
    code, out, err = cli("tree", "a", "--depth", "2")
    assert (code, out.count("\n")) == (1, 4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a", "--depth", "0"], "--depth must be from 1 to 1000, not 0"),
        (["a", "--least", "0"], "--least must be a probability from 0.000001 to 1, such as 0.01"),
        (["a", "--least", "nan"], "--least must be a probability"),
        (["a", "--least", "2%x"], "--least must be a probability"),
        (["a", "--format", "svg"], "'svg' is not one of 'table', 'jsonl', 'mermaid', 'dot'"),
        (["a", "--preset", "nobody"], "no preset 'nobody' in"),
        (["a" * 20_000], "this model reads at most"),
    ],
)
def test_bad_input_is_told(tree, arguments, sentence):
    code, out, err = tree(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err


def test_the_prompt_comes_from_standard_input_too(cli, scripted, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\n")))
    assert cli("tree", "-", "--depth", "1")[0] == 0
    assert scripted.requests[-1].prompt == "from a pipe"
