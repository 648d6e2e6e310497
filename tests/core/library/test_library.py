"""``from core import …``: what a notebook does with it, on the bundled model."""

from __future__ import annotations

import ast
import gc
import inspect
import os
import re
import subprocess
import sys
from itertools import islice

import pytest
import torch

import core
from core import (
    Message,
    Model,
    PlaygroundError,
    Settings,
    explain,
    generate,
    load_model,
    load_presets,
    look_out,
    read_run,
    save_run,
    score,
)
from core.backends.scripted import ScriptedBackend
from core.presets.book import Preset
from core.records.chat import ChatFormat
from core.records.scores import ScoredText
from core.records.steps import BeamStep, TokenStep
from tests.around.test_imports import INTERFACES, MODEL_LIBRARIES, loaded_after
from tests.places import REPOSITORY

PROMPT = "A long long time ago,"
SAMPLING = Settings(do_sample=True, top_p=0.9, max_new_tokens=12)
BEAMS = Settings(num_beams=3, max_new_tokens=8)
CHAT = Preset("talk", "", "", Settings(max_new_tokens=6), ChatFormat())


@pytest.fixture(scope="module")
def model():
    with load_model("demo", device="cpu", dtype="float32") as model:
        yield model


def readme_example():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.search(r"## In a notebook or a script\n.*?```python\n(.*?)```", text, re.DOTALL)
    return found[1]


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = readme_example()
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102

    assert len(example.strip().splitlines()) <= 12
    assert "SettingEffect(name='top_p'" in capsys.readouterr().out
    assert read_run("run.jsonl").text


def test_all_names_are_documented_and_seen_by_type_checkers():
    tree = ast.parse(inspect.getsource(core))
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.name for node in typed.body for alias in node.names}
    assert imported == set(core.__all__) <= set(dir(core))
    for node in typed.body:
        for alias in node.names:
            value = getattr(core, alias.name)
            assert value is getattr(sys.modules[node.module], alias.name)
            assert value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'generat'"):
        core.generat  # noqa: B018


CONSUMER = """
from core import Model, Run, Settings, generate, load_model, load_presets, score
from core.records.steps import TokenStep

model: Model = load_model("demo")
run: Run = generate(model, "a", Settings(max_new_tokens=1), seed=7)
texts: list[str] = [step.token.text for step in run if isinstance(step, TokenStep)]
bits: float = score(model, run, load_presets().presets).bits
wrong: int = run.text
"""


def test_a_strict_type_checker_knows_what_the_names_are(tmp_path):
    pytest.importorskip("mypy", reason="mypy comes with make check")
    (tmp_path / "consumer.py").write_text(CONSUMER)
    flags = (
        "--strict",
        "--no-site-packages",
        "--ignore-missing-imports",
        "--follow-imports=silent",
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, "consumer.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    (fault, _) = done.stdout.splitlines()
    assert fault.startswith("consumer.py:9: error: Incompatible types in assignment")


@pytest.mark.parametrize(
    "code",
    [
        "import core",
        f"from core import {', '.join(core.__all__)}; load_presets()",
        "from core import read_run; print(read_run({}).text)",
    ],
)
def test_no_model_library_is_loaded_before_a_model(code, tmp_path):
    file = tmp_path / "run.jsonl"
    save_run(file, generate(Model(ScriptedBackend()), "a"))
    loaded = loaded_after(code.format(repr(str(file))))

    assert loaded.isdisjoint((*MODEL_LIBRARIES, *INTERFACES))
    assert code != "import core" or not {one for one in loaded if one.startswith("core.")}


@pytest.mark.parametrize("settings", [Settings(max_new_tokens=20), SAMPLING, BEAMS])
def test_tokens_are_those_of_transformers(model, demo, demo_module, settings):
    run = generate(model, PROMPT, settings, seed=7)
    prompt = torch.tensor([demo.codec.encode(PROMPT, is_beginning=True)])
    wanted = {name: one for name, one in settings.to_mapping().items() if name != "seed"}
    torch.manual_seed(7)
    theirs = demo_module.generate(prompt, pad_token_id=0, **wanted)[0, prompt.shape[1] :].tolist()

    assert list(run.token_ids) == theirs
    assert run.text == demo.codec.decode(theirs)
    assert run.started.prompt_token_ids == tuple(prompt[0].tolist())


def test_steps_come_one_by_one_and_may_be_read_again():
    backend = ScriptedBackend()
    run = generate(Model(backend), "a b", Settings(max_new_tokens=5))
    first = list(islice(run, 2))
    assert repr(run) == "<Run of scripted: 2 steps, not at its end>"
    assert [step.index for step in first] == [0, 1]
    assert list(run)[:2] == first
    assert run.steps == tuple(run)
    assert (len(run.steps), run.finished.reason) == (5, "length")
    assert repr(run) == "<Run of scripted: 5 steps>"


def test_closing_early_ends_the_run_and_keeps_what_it_wrote(model):
    run = generate(model, PROMPT, Settings(max_new_tokens=500))
    steps = list(islice(run, 3))
    run.close()

    assert list(run) == steps
    assert run.finished.reason == "cancelled"
    assert run.text == "".join(step.text for step in steps)
    run.close()
    assert run.token_ids == tuple(step.token.token_id for step in steps)


def test_a_run_that_nobody_holds_is_given_up(model):
    store = model._store
    next(iter(generate(model, PROMPT, Settings(max_new_tokens=500))))
    gc.collect()

    assert store.facts().kept_steps == 0


def test_runs_that_are_read_by_turns_are_whole(model):
    settings = Settings(max_new_tokens=10)
    alone = [generate(model, prompt, settings).token_ids for prompt in (PROMPT, "The cat")]
    first, second = (generate(model, prompt, settings) for prompt in (PROMPT, "The cat"))
    pairs = list(zip(first, second, strict=True))

    assert len(pairs) == 10
    assert [first.token_ids, second.token_ids] == alone
    third = generate(model, PROMPT, settings)
    next(iter(third))
    assert score(model, "The cat").bits > 0
    assert third.token_ids == alone[0]


def test_a_run_goes_on_from_another(model):
    whole = generate(model, PROMPT, Settings(max_new_tokens=10))
    half = generate(model, PROMPT, Settings(max_new_tokens=4))
    rest = generate(
        model, "", Settings(max_new_tokens=6), context_token_ids=half.document_token_ids
    )

    assert half.token_ids + rest.token_ids == whole.token_ids


def test_a_preset_with_a_chat_is_a_conversation(model):
    one = generate(model, "Who are you?", CHAT, seed=1)
    again = generate(model, [Message("user", "Who are you?")], CHAT, seed=1)
    longer = generate(
        model, [*[Message("user", "Hi"), Message("assistant", "Ho")], Message("user", "Who?")], CHAT
    )

    assert one.started == again.started
    assert "Assistant:" in "".join(
        token.text for token in score(model, one).tokens[: len(one.started.context_token_ids) - 1]
    )
    assert len(longer.started.context_token_ids) > len(one.started.context_token_ids)


@pytest.mark.parametrize(
    ("prompt", "settings", "more", "complaint"),
    [
        ("\ud800", None, {}, "broken character"),
        ("a " * 3000, None, {}, "reads at most"),
        ([Message("user", "a")], None, {}, "messages need a preset"),
        ([], CHAT, {}, "the last message must be the user's"),
        ([Message("assistant", "a")], CHAT, {}, "the last message must be the user's"),
        ("a", CHAT, {"context_token_ids": (1,)}, "by its messages"),
        ("a", None, {"context_token_ids": (10**9,)}, "vocabulary"),
        ("a", None, {"seed": -1}, "seed must be"),
        ("a", Settings(max_length=1), {}, "max_length"),
    ],
)
def test_what_cannot_be_generated_is_told_at_once(model, prompt, settings, more, complaint):
    with pytest.raises(PlaygroundError, match=complaint):
        generate(model, prompt, settings, **more)
    assert generate(model, "a", Settings(max_new_tokens=1)).finished.reason == "length"


def test_models_that_are_not_there_or_closed():
    with pytest.raises(PlaygroundError, match="is not on this machine; fetch it with"):
        load_model("nobody/nothing")
    backend = ScriptedBackend()
    with Model(backend) as model:
        run = generate(model, "a")
    assert backend.closed
    assert run.finished.reason == "cancelled"
    model.close()
    with pytest.raises(PlaygroundError, match="was closed; load it again"):
        generate(model, "a")


def test_presets(tmp_path):
    book = load_presets()
    assert book.named("nucleus").settings.top_p < 1
    with pytest.raises(PlaygroundError, match="did you mean 'nucleus'"):
        book.named("nucleuss")
    file = tmp_path / "presets.yaml"
    file.write_text("presets:\n  mine:\n    tempratur: 2\n")
    with pytest.raises(PlaygroundError, match="tempratur"):
        load_presets(str(file))


def test_a_step_of_tokens_explained(model):
    run = generate(model, PROMPT, SAMPLING, seed=7)
    why = explain(run, 3, rows=7)
    step = run.steps[3]
    assert isinstance(step, TokenStep)
    assert (why.token.token_id, why.token.rank) == (step.token.token_id, step.token.rank)
    assert why.token.probability == pytest.approx(step.token.probability, abs=1e-4)
    assert [one.name for one in why.effects] == ["top_k", "top_p"]
    assert len(why.rows) == 7
    assert explain(run, 3, Settings()).effects == ()
    for index in (-1, 12):
        with pytest.raises(PlaygroundError, match=f"there is no step {index}; this run has 12"):
            explain(run, index)


def test_a_step_is_generated_to_be_explained(model):
    run = generate(model, PROMPT, Settings(max_new_tokens=100))
    assert explain(run, 2).token.rank == 1
    assert "3 steps, not at its end" in repr(run)
    run.close()


def test_a_step_of_beams_explained(model, tmp_path):
    run = generate(model, PROMPT, BEAMS)
    saved = read_run(save_run(tmp_path / "run.jsonl", run))
    for index in range(3):
        beams = explain(run, index)
        step = run.steps[index]
        assert isinstance(step, BeamStep)
        assert len(beams) == (3 if index else 1)
        assert {one.fate for beam in beams for one in beam.contenders} >= {"live"}
        assert explain(saved, index) == beams
    with pytest.raises(PlaygroundError, match="leave the settings out"):
        explain(run, 1, Settings())


def test_what_could_be_said_is_looked_for(model):
    preset = load_presets(REPOSITORY / "presets.yaml").named("nucleus")
    found = look_out(model, PROMPT, preset, depth=2, least=0.05)
    texts = [found.text_of(one.index) for one in found.in_order()]
    assert texts
    assert len(set(texts)) == len(texts)
    assert found.covered + found.left_out == pytest.approx(1.0)
    first = next(iter(found.in_order()))
    step = next(iter(generate(model, PROMPT, preset, seed=1)))
    (same,) = [one for one in step.distribution.candidates if one.token_id == first.token_id]
    assert first.probability == pytest.approx(same.final_probability, rel=1e-5)
    further = look_out(model, first.token_text, depth=1, context_token_ids=[5, 6])
    assert further.open == 0.0
    with pytest.raises(PlaygroundError, match="depth must be from 1"):
        look_out(model, PROMPT, depth=0)


def test_a_text_and_a_run_scored(model):
    presets = load_presets().presets
    scored = score(model, "A long long time ago", presets)
    assert isinstance(scored, ScoredText)
    assert [one.preset_name for one in scored.verdicts] == [one.name for one in presets]
    preset = load_presets().named("nucleus")
    run = generate(model, PROMPT, preset, seed=7)
    own = score(model, run, [preset])
    assert own.verdicts[0].is_reachable
    assert own.token_ids == run.document_token_ids
    assert own.asked_tokens == len(run.token_ids)
    with pytest.raises(PlaygroundError, match="no text to score"):
        score(model, "")


@pytest.mark.parametrize("settings", [SAMPLING, BEAMS])
def test_a_run_is_saved_and_read(model, tmp_path, settings):
    run = generate(model, PROMPT, Preset("mine", "", "", settings), seed=7)
    file = save_run(tmp_path / "run.jsonl", run)
    saved = read_run(str(file))

    assert (saved.prompt, saved.settings) == (PROMPT, settings.replace(seed=7))
    assert (saved.about["model"], saved.about["preset"]) == ("demo", "mine")
    assert (saved.text, saved.token_ids, saved.started) == (run.text, run.token_ids, run.started)
    assert repr(saved) == f"<Run of demo: {len(run.steps)} steps>"
    if settings == SAMPLING:
        assert [one.distribution for one in saved] == [one.distribution for one in run]
        with pytest.raises(PlaygroundError, match="no logits to explain a step by"):
            explain(saved, 1)
    assert score(model, saved) == score(model, run)
    again = save_run(tmp_path / "again.jsonl", saved)
    assert again.read_text() == file.read_text()
    for suffix in ("md", "csv", "txt"):
        assert save_run(tmp_path / f"run.{suffix}", saved).read_text()
    assert generate(model, saved.prompt, saved.settings).token_ids == saved.token_ids


def test_a_run_of_another_model_is_not_scored(model, tmp_path):
    run = generate(Model(ScriptedBackend()), "a")
    with pytest.raises(PlaygroundError, match="written by scripted, whose tokens are not"):
        score(model, run)


def test_files_that_cannot_be_read_or_written(model, tmp_path):
    run = generate(model, "a", Settings(max_new_tokens=1))
    file = save_run(tmp_path / "run.jsonl", run)
    with pytest.raises(PlaygroundError, match="is there already"):
        save_run(file, run)
    with pytest.raises(PlaygroundError, match="says no format"):
        save_run("run.pdf", run)
    with pytest.raises(PlaygroundError, match="is not there"):
        read_run(tmp_path / "nothing.jsonl")
    other = tmp_path / "text.txt"
    other.write_text("Once upon a time")
    with pytest.raises(PlaygroundError, match="holds no run in JSON Lines"):
        read_run(other)
    file.write_text(file.read_text().replace('"top_p": 1.0', '"top_p": 7'))
    with pytest.raises(PlaygroundError, match="no whole one in it"):
        read_run(file)


def test_a_run_that_breaks_off_keeps_what_it_wrote():
    class Broken(ScriptedBackend):
        def generate(self, request, is_cancelled):
            for event in super().generate(request, is_cancelled):
                if getattr(event, "index", 0) == 2:
                    raise KeyboardInterrupt
                yield event

    run = generate(Model(Broken()), "a")
    with pytest.raises(KeyboardInterrupt):
        list(run)
    assert (run.text, len(run.steps)) == (" far,", 2)
    assert (run.finished.reason, run.finished.detail) == ("failed", "KeyboardInterrupt")
