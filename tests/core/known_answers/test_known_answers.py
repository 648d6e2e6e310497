"""Known answers: the data, the comparison and its command.

The comparison is tested on the bundled model, whose answers come from ``generate()``; gpt2-xl's own
are checked where its weights are: ``pytest -m known_answers``.
"""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys

import pytest
import torch

from core.known_answers.check import check_known_answers, continuation_logprob
from core.known_answers.expected import (
    PUBLISHED_FILE,
    ChoiceRow,
    KnownAnswersResult,
    KnownChoice,
    known_answers,
    read_known_answers,
)
from core.models.catalog import model_folder
from core.models.hub.cache import find_cached
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from tests.core.known_answers.make import fingerprint, known_answers_text
from tests.reference import run_ours
from tui.cli.models import verify as cli_verify
from tui.cli.models.verify import result_lines, run_verify


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Several would only wait for each other on a model this small, long on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield before
    torch.set_num_threads(before)


def silent(_stage, _share=None):
    pass


@pytest.fixture(scope="module")
def answers():
    answers = known_answers("demo")
    if answers.weights_sha256 != fingerprint():
        pytest.fail("the bundled weights are new: run python -m tests.core.known_answers.make")
    return answers


@pytest.fixture(scope="module")
def result(demo, answers):
    return check_known_answers("demo", demo.model, demo.codec, answers, silent)


def check(demo, answers):
    return check_known_answers("demo", demo.model, demo.codec, answers, silent)


def without_sequences(answers, **changes):
    return dataclasses.replace(answers, sequences=(), **changes)


def with_choice(answers, step, at, **changes):
    """The answers with one choice of one step altered."""
    steps = list(answers.steps)
    choices = list(steps[step].choices)
    choices[at] = dataclasses.replace(choices[at], **changes)
    steps[step] = dataclasses.replace(steps[step], choices=tuple(choices))
    return without_sequences(answers, steps=tuple(steps))


# The data


def test_the_published_figures():
    published = read_known_answers(PUBLISHED_FILE)
    assert known_answers("gpt2-xl") == known_answers("openai-community/gpt2-xl") == published
    assert [step.input.removeprefix(published.prompt).strip() for step in published.steps] == [
        "",
        "most",
        "most popular",
        "most popular toy",
        "most popular toy line",
        "most popular toy line in",
        "most popular toy line in the",
        "most popular toy line in the world",
    ]
    assert [len(step.choices) for step in published.steps] == [5] * 8
    # Every input is the one before it with its likeliest choice.
    for step, following in zip(published.steps, published.steps[1:], strict=False):
        assert following.input == f"{step.input} {step.choices[0].text}"
        percents = [choice.percent for choice in step.choices]
        assert percents == sorted(percents, reverse=True)
    firsts = [step.choices[0].percent for step in published.steps]
    assert firsts == [8.53, 16.78, 10.63, 34.38, 46.28, 65.99, 69.26, 39.73]
    assert published.steps[7].choices[:2] == (KnownChoice(",", 39.73), KnownChoice(".", 30.64))
    assert published.sequence_prompt.endswith("spoke perfect English.\n\n\n")
    assert [(one.settings, one.logprob) for one in published.sequences] == [
        (Settings(max_length=128), -87.43),
        (Settings(max_length=128, num_beams=5), -55.23),
        (Settings(max_length=128, num_beams=5, no_repeat_ngram_size=2), -93.12),
    ]


def test_other_models_are_refused():
    with pytest.raises(PlaygroundError, match=r"no answers of 'gpt2' .* gpt2-xl and demo"):
        known_answers("gpt2")


@pytest.mark.parametrize("text", ["", "[1]", "names: 3", "names: [a]", "a: *b", "{"])
def test_a_damaged_file_is_one_sentence(tmp_path, text):
    file = tmp_path / "answers.yaml"
    file.write_text(text)
    with pytest.raises(PlaygroundError, match=r"^answers\.yaml is unusable: .*; install"):
        read_known_answers(file)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(PlaygroundError, match="unusable: No such file"):
        read_known_answers(tmp_path / "answers.yaml")


def test_reading_the_data_loads_no_model_library():
    code = (
        "import sys\nfrom core.known_answers.expected import known_answers\nknown_answers('demo')\n"
        "import tui.cli.models.info, tui.cli.models.verify\n"
        "assert not {'torch', 'transformers', 'tokenizers', 'textual'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The comparison


def test_the_bundled_model_answers_as_generate_does(result):
    assert result.passed, "\n".join(result_lines(result))
    assert (result.figures, result.differing) == (43, 0)
    assert all(abs(choice.difference) <= 0.006 for step in result.steps for choice in step.choices)
    assert all(abs(row.difference) <= 0.006 for row in result.sequences)


@pytest.mark.parametrize("step", [0, 3, 7])
@pytest.mark.parametrize("at", [0, 4])
@pytest.mark.parametrize("by", [0.02, -0.02, 30.0])
def test_an_altered_percentage_is_found(demo, answers, step, at, by):
    percent = answers.steps[step].choices[at].percent + by
    altered = check(demo, with_choice(answers, step, at, percent=percent))
    assert not altered.passed
    assert altered.differing == 1
    assert not altered.steps[step].choices[at].holds


def test_an_altered_token_is_found(demo, answers):
    altered = check(demo, with_choice(answers, 2, 1, text="penguin"))
    assert altered.differing == 1
    row = altered.steps[2].choices[1]
    assert (row.text, row.holds) == (answers.steps[2].choices[1].text, False)


def test_an_altered_input_fails_all_its_choices(demo, answers):
    steps = list(answers.steps)
    steps[4] = dataclasses.replace(steps[4], input=steps[4].input + " not")
    assert check(demo, without_sequences(answers, steps=tuple(steps))).differing == 5


def test_another_prompt_fails(demo, answers):
    assert not check(demo, without_sequences(answers, prompt="The sea was ")).passed


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("by", [0.07, -0.07])
def test_an_altered_sum_is_found(result, at, by):
    rows = list(result.sequences)
    known = rows[at].expected
    rows[at] = dataclasses.replace(
        rows[at], expected=dataclasses.replace(known, logprob=known.logprob + by)
    )
    altered = dataclasses.replace(result, sequences=tuple(rows))
    assert (altered.passed, altered.differing) == (False, 1)


def test_other_settings_find_another_sum(demo, answers):
    greedy = answers.sequences[0]
    other = dataclasses.replace(greedy, settings=greedy.settings.replace(no_repeat_ngram_size=1))
    assert not check(demo, dataclasses.replace(answers, steps=(), sequences=(other,))).passed


def test_a_model_that_stops_early_fails(demo, answers):
    """Its end of text comes where the known answers go on."""
    first = run_ours(demo.model, demo.codec, Settings(max_new_tokens=1), prompt=answers.prompt)

    class Stopping:
        eos_token_ids = first.finished.token_ids

        def __getattr__(self, name):
            return getattr(demo.model, name)

    stopped = check_known_answers(
        "demo", Stopping(), demo.codec, without_sequences(answers), silent
    )
    assert [step.has_input for step in stopped.steps] == [True] + [False] * 7
    assert stopped.differing == 35
    assert any("but here: the end of the text" in line for line in result_lines(stopped))


def test_not_a_number_never_holds():
    nan = float("nan")
    assert not ChoiceRow(KnownChoice("a", nan), "a", 1.0).holds
    assert not ChoiceRow(KnownChoice("a", 1.0), "a", nan).holds


def test_nothing_compared_is_nothing_passed():
    assert not KnownAnswersResult("demo", "cpu", "", (), ()).passed


@pytest.mark.parametrize(("here", "holds"), [(8.54, True), (8.52, True), (8.541, False)])
def test_tolerance_is_a_hundredth_of_a_point(here, holds):
    assert ChoiceRow(KnownChoice("most", 8.53), "most", here).holds is holds


def test_two_near_choices_may_change_places(demo, answers):
    """Another machine's rounding may order 2.30% and 2.30% the other way."""
    steps = list(answers.steps)
    choices = steps[0].choices
    steps[0] = dataclasses.replace(steps[0], choices=(choices[1], choices[0], *choices[2:]))
    assert check(demo, without_sequences(answers, steps=tuple(steps))).passed


def test_the_sum_is_that_of_the_steps_a_person_sees(demo, demo_module):
    prompt = "A long long time ago, "
    ours = run_ours(demo.model, demo.codec, Settings(max_new_tokens=20), prompt=prompt)
    context, token_ids = ours.started.context_token_ids, ours.finished.token_ids
    seen = sum(step.token.logprob for step in ours.steps[1:])
    assert continuation_logprob(demo.model, context, token_ids) == pytest.approx(seen, abs=1e-3)
    assert continuation_logprob(demo.model, context, token_ids[:1]) == 0.0
    with torch.inference_mode():
        logits = demo_module(torch.tensor([[*context, *token_ids]])).logits[0]
    logprobs = torch.log_softmax(logits[:-1], dim=-1)
    places = range(len(context), len(context) + len(token_ids) - 1)  # the notebook's slice
    once = sum(float(logprobs[at, token_ids[at - len(context) + 1]]) for at in places)
    assert once == pytest.approx(seen, abs=1e-3)


def test_full_precision_is_put_back(demo, answers):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        check(demo, without_sequences(answers, steps=answers.steps[:1]))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


# The command


@pytest.fixture
def verify(demo, monkeypatch, capfd):
    """Run the command with the bundled model; return exit code, standard output and error."""

    def verify(name, answers=None, find=model_folder):
        if answers is not None:
            monkeypatch.setattr(cli_verify, "known_answers", lambda _name: answers)
        code = run_verify(name, "cpu", find, lambda *_: demo)
        out, err = capfd.readouterr()
        return code, out, err

    return verify


def test_all_hold(verify, answers):
    code, out, err = verify("demo", dataclasses.replace(answers, sequences=answers.sequences[:1]))
    assert code == 0
    assert out.endswith("all 41 figures hold, within 0.01 percentage points and 0.05 in sums\n")
    rows = [line for line in out.splitlines() if re.search(r"% +[0-9.]+% +[+-]0\.00\d\d$", line)]
    assert len(rows) == 40
    assert len({line.index("%") for line in rows}) == 1
    assert "differs" not in out
    assert err.splitlines()[-1] == "verify: continuation: greedy"


def test_one_does_not(verify, answers):
    code, out, _ = verify("demo", with_choice(answers, 1, 2, percent=50.0))
    assert code == 1
    (row,) = [line for line in out.splitlines() if line.endswith("differs")]
    assert "50.00%" in row
    assert "1 of 40 figures differ by more than" in out


def test_weights_that_are_not_here(verify, tmp_path, monkeypatch):
    def nowhere(name):
        raise PlaygroundError(f"{name!r} is not on this machine; fetch it")

    code, out, err = verify("gpt2-xl", find=nowhere)
    assert (code, out) == (3, "")
    assert err == (
        "gpt2-playground: nothing was verified: 'gpt2-xl' is not on this machine; fetch it\n"
    )


def test_a_model_without_known_answers(verify):
    with pytest.raises(PlaygroundError, match="no answers of 'gpt2' are known"):
        verify("gpt2")


def test_hostile_text_stays_in_its_line(result):
    choice = ChoiceRow(KnownChoice("\x1b[2J", 1.0), "a\nb\x9b", 2.0)
    step = dataclasses.replace(result.steps[0], input="\x1b]0;x\x07", choices=(choice,))
    lines = result_lines(dataclasses.replace(result, steps=(step,)))
    assert all(line.isprintable() for line in lines)


# The files


def test_the_script_writes_the_file_of_the_bundled_model(answers, tmp_path):
    """Up to the last place, which another processor may round the other way."""
    file = tmp_path / "written.yaml"
    file.write_text(known_answers_text(), encoding="utf-8")
    written = read_known_answers(file)
    figures = [choice.percent for step in written.steps for choice in step.choices]
    known = [choice.percent for step in answers.steps for choice in step.choices]
    assert figures == pytest.approx(known, abs=0.011)
    assert [step.input for step in written.steps] == [step.input for step in answers.steps]
    assert len(written.sequences) == len(answers.sequences) == 3
    for ours, theirs in zip(written.sequences, answers.sequences, strict=True):
        assert ours.settings == theirs.settings
        assert ours.logprob == pytest.approx(theirs.logprob, abs=0.011)


def test_figures_survive_json(result):
    mapping = json.loads(json.dumps(dataclasses.asdict(result)))
    assert mapping["sequences"][0]["logprob"] == result.sequences[0].logprob


@pytest.mark.known_answers
def test_gpt2_xl(one_thread):
    """The figures of the book, where the weights are."""
    if find_cached("gpt2-xl") is None:
        pytest.skip("the weights of gpt2-xl are not in the Hugging Face cache")
    torch.set_num_threads(one_thread)
    from core.models.loading import load_model

    loaded = load_model("gpt2-xl", "auto", "float32", silent)
    result = check_known_answers(
        "gpt2-xl", loaded.model, loaded.codec, known_answers("gpt2-xl"), silent
    )
    assert result.passed, "\n".join(result_lines(result))
