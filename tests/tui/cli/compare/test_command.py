"""``compare``: what it writes where, how it ends, and what it refuses."""

from __future__ import annotations

import json
import re

import pytest

from core.backends.scripted import ScriptedBackend
from core.models.catalog import model_folder
from core.records.comparison import ColumnEvent
from core.records.errors import PlaygroundError
from core.records.steps import Finished
from tests.core.document.json_lines_schema import faults
from tui.cli.compare import command

pytestmark = pytest.mark.usefixtures("in_the_repository")

PROMPT = "A long time ago, "
DEMO = ("--model", "demo", "--device", "cpu")


@pytest.fixture
def backend(monkeypatch):
    backend = ScriptedBackend()
    monkeypatch.setattr(command, "make_backend", lambda choices, model: backend)
    return backend


def test_the_table_is_on_standard_output_and_all_else_on_standard_error(cli, backend):
    code, out, err = cli("compare", PROMPT, "--presets", "greedy,nucleus", "--steps", "3")
    heading, first, second, empty, *texts = out.splitlines()

    assert code == 0
    assert heading.split()[:3] == ["COLUMN", "TOKENS", "LOGPROB"]
    assert [row.split()[0] for row in (first, second)] == ["greedy", "nucleus"]
    assert empty == ""
    assert texts[:2] == ["greedy", "     far, away"]
    assert texts[3].startswith("nucleus (says the same as greedy; seed ")
    assert err.splitlines()[1:] == [
        "model: scripted, cpu, float32",
        "finished: 2 columns, 6 tokens",
    ]
    assert backend.closed


def test_all_have_the_same_dice_unless_they_are_to_have_their_own(cli, backend):
    named = ("compare", PROMPT, "--presets", "nucleus,top-k", "--steps", "1")
    cli(*named)
    cli(*named, "--seed", "5")
    cli(*named, "--own-dice")
    seeds = [one.settings.seed for one in backend.requests]

    assert seeds[0] == seeds[1] is not None
    assert seeds[2:4] == [5, 5]
    assert seeds[4] != seeds[5]


def test_jsonl_has_each_column_as_a_run_alone_and_then_the_figures(cli):
    arguments = ("--presets", "nucleus,beam,greedy", "--steps", "4", "--seed", "1")
    code, out, _ = cli("compare", "Once upon", *arguments, *DEMO, "--format", "jsonl")
    records = [json.loads(line) for line in out.splitlines()]
    figures = [one for one in records if one["type"] == "figures"]
    runs = [[] for _ in range(3)]
    for one in records[: -len(figures)]:
        runs[one.pop("column")].append(one)

    assert code == 0
    assert [one["name"] for one in figures] == ["nucleus", "beam", "greedy"]
    assert figures[0]["divergence"] is None
    assert figures[1]["divergence"]["cause"] == "beams"
    assert [fault for run in runs for one in run for fault in faults(one)] == []
    assert [run[0]["preset"] for run in runs] == ["nucleus", "beam", "greedy"]
    for name, run in zip(("nucleus", "beam"), runs, strict=False):
        alone = ("--preset", name, "--steps", "4", "--seed", "1")
        _, out, _ = cli("generate", "Once upon", *alone, *DEMO, "--format", "jsonl")
        assert list(map(timeless, run)) == [timeless(json.loads(one)) for one in out.splitlines()]


def timeless(record):
    record = {**record, "tokens_per_second": 0}
    if record["type"] == "started":
        record["settings"] = {**record["settings"], "seed": None}
        record["seed"] = record["seed"] if record["settings"]["do_sample"] else None
    for name in ("drafted_tokens", "accepted_tokens"):
        record.pop(name, None)
    return record


def test_seeds_are_told_together_and_a_sweep_names_its_values(cli):
    seeds = ("--preset", "nucleus", "--seeds", "8", "--seed", "3", "--steps", "5")
    _, out, _ = cli("compare", "Once upon", *seeds, *DEMO)
    assert "of 8 texts are different" in out
    assert "\nseed 10 (" in out
    sweep = ("--preset", "nucleus", "--sweep", "temperature=0.2:1.4:3", "--steps", "3")
    _, out, _ = cli("compare", "Once upon", *sweep, *DEMO, "--format", "markdown")
    assert "| temperature 0.8 |" in out
    assert "## 3: temperature 1.4" in out


def test_two_models_run_in_turn_and_what_they_take_is_said_before(cli, monkeypatch):
    made = []

    def make_backend(choices, model):
        assert all(one.closed for _, one in made)
        made.append((model, ScriptedBackend()))
        return made[-1][1]

    monkeypatch.setattr(command, "make_backend", make_backend)
    named = ("--models", f"demo,{model_folder('demo')}", "--preset", "greedy", "--steps", "2")
    code, out, err = cli("compare", PROMPT, *named)

    assert code == 0
    assert [model for model, _ in made] == ["demo", str(model_folder("demo"))]
    assert out.splitlines()[1].startswith("greedy, demo ")
    assert re.fullmatch(r"demo: \d+(\.\d)? MB of weights on cpu, in float32", err.splitlines()[0])
    assert err.splitlines()[2] == "they run in turn, and one at a time is in memory"
    code, _, err = cli("compare", PROMPT, "--models", "demo,no-such-model")
    assert (code, len(made)) == (2, 2)
    assert "no-such-model" in err
    monkeypatch.setattr(command, "safetensors_parameters", lambda folder: 10**13)
    code, _, err = cli("compare", PROMPT, *named, "--device", "cpu")
    assert (code, len(made)) == (2, 2)
    assert "needs 42000.0 GB" in err


class OneFails(ScriptedBackend):
    def compare(self, requests, is_cancelled):
        for told in super().compare(requests, is_cancelled):
            is_end = told.column == 1 and isinstance(told.event, Finished)
            yield (
                ColumnEvent(1, Finished("failed", (), "", 0.0, detail="no luck"))
                if is_end
                else told
            )


class AllFail(ScriptedBackend):
    def compare(self, requests, is_cancelled):
        for column in range(len(requests)):
            yield ColumnEvent(column, Finished("failed", (), "", 0.0, detail="too long"))


class Broken(ScriptedBackend):
    def compare(self, requests, is_cancelled):
        for at, told in enumerate(super().compare(requests, is_cancelled)):
            if at == 6:
                raise PlaygroundError("out of memory")
            yield told


@pytest.mark.parametrize(
    ("kind", "code", "said", "written"),
    [
        (OneFails, 1, "1 of 2 columns failed: no luck", "nucleus ("),
        (AllFail, 2, "too long", ""),
        (Broken, 1, "2 of 2 columns failed: out of memory", "     far,"),
    ],
)
def test_what_fails_is_told_and_what_has_come_is_written(
    cli, monkeypatch, kind, code, said, written
):
    monkeypatch.setattr(command, "make_backend", lambda choices, model: kind())
    found, out, err = cli("compare", PROMPT, "--presets", "greedy,nucleus", "--steps", "4")

    assert (found, err.splitlines()[-1]) == (code, f"gpt2-playground: {said}")
    assert written in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what the columns are in one way"),
        (("--presets", "greedy"), "2 to 16 columns"),
        (("--presets", "greedy,nucleus", "--seeds", "3"), "in one way"),
        (("--presets", "greedy,nucleus", "--preset", "beam"), "--preset has no effect"),
        (("--presets", "greedy,nuclues"), "did you mean 'nucleus'"),
        (("--seeds", "17"), "--seeds"),
        (("--preset", "greedy", "--seeds", "3"), "draws nothing"),
        (("--preset", "greedy", "--sweep", "temperature=1,2"), "do_sample"),
        (("--sweep", "topk=1,2"), "did you mean 'top_k'"),
        (("--models", "a,b", "--model", "c"), "--model has no effect"),
    ],
)
def test_what_makes_no_columns_is_refused_before_a_model_is_loaded(cli, arguments, said):
    code, out, err = cli("compare", PROMPT, *arguments)

    assert (code, out) == (2, "")
    assert said in err
