"""The command line in this process: what it does, and what it writes where."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

from core.records.settings import SETTING_NAMES, Settings, settings_from_mapping

pytestmark = pytest.mark.usefixtures("in_the_repository")

PROMPT = "A long time ago, "


def give_stdin(monkeypatch, data: bytes):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


# generate


def test_text_is_on_standard_output_and_all_else_on_standard_error(cli, backend):
    code, out, err = cli("generate", PROMPT, "--steps", "3")

    assert (code, out) == (0, " far, away\n")
    assert err.splitlines() == [
        "loading: reading the script",
        "model: scripted, cpu, float32, preset greedy",
        "finished: the length asked for, 3 tokens, 100.0 tokens/s",
    ]
    assert backend.closed


def test_jsonl(cli, backend):
    _, out, _ = cli("generate", PROMPT, "--steps", "3", "--format", "jsonl")
    first, *records = [json.loads(line) for line in out.splitlines()]

    assert (first["type"], first["prompt"]) == ("started", PROMPT)
    assert (first["model"], first["preset"]) == ("scripted", "greedy")
    assert settings_from_mapping(first["settings"]) == Settings(max_new_tokens=3)
    assert set(first["settings"]) == set(SETTING_NAMES)
    assert first["settings"]["top_k"] == 50
    assert {"seed", "prompt_token_ids", "device", "dtype", "engine", "revision"} <= set(first)
    assert list(first)[:3] == ["type", "format", "format_version"]
    assert [record["type"] for record in records] == ["step", "step", "step", "finished"]
    names = ["type", "index", "chosen_by", "token", "candidates", "entropy", "kept"]
    assert list(records[0]) == names
    assert len(records[0]["candidates"]) == 5


def test_jsonl_of_beams(cli, backend):
    _, out, _ = cli("generate", PROMPT, "--preset", "beam", "--steps", "2", "--format", "jsonl")
    _, *records = [json.loads(line) for line in out.splitlines()]

    assert [record["type"] for record in records] == ["beam_step", "beam_step", "finished"]
    assert len(records[1]["hypotheses"]) == 5


def test_table(cli, backend):
    _, out, _ = cli("generate", PROMPT, "--steps", "3", "--format", "table")

    assert out.splitlines()[0].startswith("Input")
    assert " far (50.00%)" in out.splitlines()[1]
    assert len(out.splitlines()) == 4


def test_csv(cli, backend):
    _, out, _ = cli("generate", PROMPT, "--steps", "3", "--format", "csv")

    assert [row["text"] for row in csv.DictReader(out.splitlines())] == [" far", ",", " away"]


def test_markdown(cli, backend):
    _, out, _ = cli("generate", PROMPT, "--steps", "3", "--format", "markdown")

    assert out.startswith("# What scripted weighed at each step\n")
    assert "| preset | greedy |\n| settings | max\\_new\\_tokens: 3 |\n| program | gpt2-pl" in out
    assert out.count(PROMPT.strip()) == 1
    assert out.count("\n| 3 | ") == 1


def test_the_first_preset_is_the_default_and_others_go_by_name(cli, backend):
    cli("generate", PROMPT)
    cli("generate", PROMPT, "--preset", "nucleus")

    assert backend.requests[0].settings.mode == "greedy_search"
    assert backend.requests[1].settings.top_p == 0.9


def test_set_changes_the_preset(cli, backend):
    cli(
        *("generate", PROMPT, "--preset", "nucleus"),
        *("--set", "temperature=3e-1", "--set", "top_p=null", "--set", "top_k=7"),
        *("--set", "stop_strings=.", "--set", "stop_strings=\n", "--set", "seed=5"),
    )
    settings = backend.requests[0].settings

    assert (settings.temperature, settings.top_p, settings.top_k) == (0.3, 1.0, 7)
    assert settings.stop_strings == (".", "\n")
    assert settings.seed == 5
    assert settings.max_new_tokens == 200


@pytest.mark.parametrize(
    "text",
    [
        *(".", "#", "a=b", "'5'", '"', "\n", " ", "\t", "~", "null", "[INST]", " wore ", "w # o"),
        *(
            "Person:",
            "no",
            "1_000",
            "0x10",
            "1e3",
            "2001-01-01",
            "- a",
            "{a: b}",
            "&a",
            "*a",
            "!!int",
        ),
        *("true", "|", "> ", "%", "@", "\\n", "日本", "\u200f", "\u2028", "a\r\n", "---", "..."),
    ],
)
def test_set_takes_a_text_to_the_letter(cli, backend, text):
    code, _, _ = cli("generate", PROMPT, "--set", f"stop_strings={text}")

    assert code == 0
    assert backend.requests[0].settings.stop_strings == (text,)


def test_several_texts_take_the_place_of_the_presets(cli, backend, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("presets:\n  one: {settings: {stop_strings: [old], top_k: null}}\n")
    three = [part for text in ("a", " ", "a b") for part in ("--set", f"stop_strings={text}")]
    cli("generate", PROMPT, "--presets", str(path), *three)
    cli("generate", PROMPT, "--presets", str(path), "--unset", "stop_strings")
    cli("generate", PROMPT, "--presets", str(path), "--unset", "stop_strings", *three[:2])

    told = [request.settings.stop_strings for request in backend.requests]
    assert told == [("a", " ", "a b"), (), ("a",)]


def test_a_text_in_a_locale_that_lacks_its_characters(cli, backend):
    cli("generate", PROMPT, "--set", b"stop_strings=\xc3\xab".decode("ascii", "surrogateescape"))

    assert backend.requests[0].settings.stop_strings == ("ë",)


@pytest.mark.parametrize(
    ("in_preset", "sets", "length", "new_tokens"),
    [
        ("max_new_tokens: 200", ["max_length=8"], 8, None),
        ("max_length: 8", ["max_new_tokens=5"], None, 5),
        ("{max_length: 8, max_new_tokens: 9}", ["max_length=7"], 7, None),
        ("max_new_tokens: 200", ["max_length=8", "max_new_tokens=5"], None, 5),
        ("max_new_tokens: 200", ["max_new_tokens=5", "max_length=8"], 8, None),
        ("max_new_tokens: 200", ["max_length=null"], None, 200),
        ("max_new_tokens: 200", ["max_new_tokens=null"], None, None),
    ],
)
def test_one_length_takes_the_place_of_the_other(
    cli, backend, tmp_path, in_preset, sets, length, new_tokens
):
    path = tmp_path / "p.yaml"
    settings = in_preset if in_preset.startswith("{") else f"{{{in_preset}}}"
    path.write_text(f"presets:\n  one: {{settings: {settings}}}\n")
    options = [part for one in sets for part in ("--set", one)]
    cli("generate", PROMPT, "--presets", str(path), *options)

    settings = backend.requests[0].settings
    assert (settings.max_length, settings.max_new_tokens) == (length, new_tokens)


def test_steps_below_what_the_preset_calls_the_least(cli, backend, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("presets:\n  one: {settings: {min_new_tokens: 9}}\n")
    cli("generate", PROMPT, "--presets", str(path), "--steps", "3")

    settings = backend.requests[0].settings
    assert (settings.min_new_tokens, settings.max_new_tokens) == (3, 3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--preset greedy --seed 1", ["--seed has no effect: these settings draw nothing"]),
        ("--preset nucleus --seed 1", []),
        ("--set max_length=30 --steps 3", ["--set max_length=30 has no effect beside --steps"]),
        (
            "--set max_length=30 --set max_new_tokens=2",
            ["--set max_length=30 has no effect beside --set max_new_tokens=2"],
        ),
        (
            "--preset sample --set top_k=5 --set top_k=7",
            ["--set top_k=5 has no effect beside --set top_k=7"],
        ),
        (
            "--preset sample --seed 1 --set seed=2",
            ["--set seed=2 has no effect beside --seed"],
        ),
        ("--set stop_strings=a --set stop_strings=b --steps 3", []),
        ("--preset beam --assistant int8", ["--assistant has no effect: beams have none"]),
        ("--preset greedy --assistant int8", []),
    ],
)
def test_an_option_without_effect_is_told(cli, backend, options, told):
    code, _, err = cli("generate", PROMPT, *options.split())

    assert code == 0
    assert [line for line in err.splitlines() if "no effect" in line] == told


def test_steps_win_over_every_length(cli, backend):
    cli("generate", PROMPT, "--preset", "beam", "--set", "max_new_tokens=50", "--steps", "3")
    settings = backend.requests[0].settings

    assert (settings.max_new_tokens, settings.max_length) == (3, None)


def test_a_seed_is_told_after_sampling(cli, backend):
    _, _, err = cli("generate", PROMPT, "--preset", "sample", "--seed", "42")

    assert backend.requests[0].settings.seed == 42
    assert err.endswith(", seed 42\n")


def test_options_before_the_command_count_too(cli, backend):
    cli("--preset", "beam", "--seed", "1", "--model", "a", "generate", PROMPT, "--model", "demo")

    assert backend.requests[0].settings.num_beams == 5
    assert backend.requests[0].settings.seed == 1
    assert backend.choices.model == "demo"


def test_where_and_how_to_run(cli, backend):
    cli("generate", PROMPT, "--device", "cuda:1", "--dtype", "bfloat16", "--assistant", "none")

    assert (backend.choices.device, backend.choices.dtype) == ("cuda:1", "bfloat16")
    assert backend.choices.assistant == "none"


def test_how_many_guesses_came_true(cli, backend, monkeypatch):
    monkeypatch.setattr(backend, "accepted_tokens", 3)
    _, _, err = cli("generate", PROMPT, "--steps", "3")

    assert "100.0 tokens/s, 75% of the drafts accepted" in err


@pytest.mark.parametrize(
    ("data", "prompt"),
    [
        (b"one two \n", "one two "),
        (b"one\r\n", "one"),
        (b"one\n\n", "one\n"),
        (b"  one", "  one"),
        (b"a\nb", "a\nb"),
        ("日本\n".encode(), "日本"),
        (b"", ""),
        (b"\xef\xbb\xbfone\r\n", "one"),
        (b"\xef\xbb\xbf", ""),
    ],
)
def test_the_prompt_from_standard_input_is_kept_but_for_one_line_end(
    cli, backend, monkeypatch, data, prompt
):
    give_stdin(monkeypatch, data)
    cli("generate", "-")

    assert backend.requests[0].prompt == prompt


@pytest.mark.parametrize("prompt", ["A long long time ago, ", " a\n", "日本", ""])
def test_the_prompt_from_the_command_line_is_kept_to_the_letter(cli, backend, prompt):
    cli("generate", prompt)

    assert backend.requests[0].prompt == prompt


def test_a_byte_order_mark_is_no_part_of_a_prompt(cli, backend):
    cli("generate", "\ufeffone \ufefftwo")

    assert backend.requests[0].prompt == "one \ufefftwo"


@pytest.mark.parametrize("chunk", [b"a" * 65536, b"\xef\xbb\xbf"])
def test_endless_standard_input_is_not_read_to_its_end(cli, monkeypatch, chunk):
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = (chunk * (len(buffer) // len(chunk) + 1))[: len(buffer)]
            return len(buffer)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    code, _, err = cli("generate", "-")
    assert code == 2
    assert "the prompt has more than 1,000,000 bytes" in err


def test_a_prompt_in_a_locale_that_lacks_its_characters(cli, backend):
    cli("generate", b"Zo\xc3\xab".decode("ascii", errors="surrogateescape"))

    assert backend.requests[0].prompt == "Zoë"


def test_a_prompt_with_a_dash(cli, backend):
    cli("generate", "--steps", "2", "--", "--five degrees")

    assert backend.requests[0].prompt == "--five degrees"


# presets, version, help


def test_presets_are_listed_with_their_file(cli):
    code, out, _ = cli("presets")
    lines = out.splitlines()

    assert code == 0
    assert lines[0].split() == ["KEY", "NAME", "DESCRIPTION", "SETTINGS"]
    assert [line.split()[:2] for line in lines[1:3]] == [["f1", "greedy"], ["f2", "beam"]]
    assert "top_k=50" in lines[7]
    assert lines[2].endswith("num_beams=5 no_repeat_ngram_size=2")
    assert lines[-1].startswith("file: /")
    assert lines[-1].endswith("/presets.yaml")


def test_texts_that_stand_for_tokens_are_told_with_them(cli, tmp_path):
    (tmp_path / "p.yaml").write_text("presets: {a: {settings: {bad_words_ids: [the, ' of']}}}")
    code, out, _ = cli("presets", "--presets", str(tmp_path / "p.yaml"), "--model", "demo")
    assert code == 0
    assert "a: bad_words_ids 'the' is to demo: 't' 'he', behind a space ' the'\n" in out
    assert "a: bad_words_ids ' of' is to demo: ' of'\n" in out
    _, out, _ = cli("presets", "--presets", str(tmp_path / "p.yaml"), "--model", "nobody/nothing")
    assert "which tokens the texts are is not known: " in out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["bad_words_ids=the", "bad_words_ids= of"], {"bad_words_ids": ("the", " of")}),
        (['bad_words_ids=[[5, 7], "a"]'], {"bad_words_ids": ((5, 7), "a")}),
        (['sequence_bias={" dog": 2}'], {"sequence_bias": ((" dog", 2.0),)}),
        (["suppress_tokens=5", "suppress_tokens=."], {"suppress_tokens": (5, ".")}),
        (
            ["exponential_decay_length_penalty=[5, 1.1]"],
            {"exponential_decay_length_penalty": (5, 1.1)},
        ),
        (
            ["guidance_scale=2", 'negative_prompt_ids=["[x"]'],
            {"guidance_scale": 2.0, "negative_prompt_ids": "[x"},
        ),
    ],
)
def test_texts_and_token_ids_can_be_set(cli, backend, given, expected):
    cli("generate", PROMPT, *(part for one in given for part in ("--set", one)))
    settings = backend.requests[-1].settings
    assert {name: getattr(settings, name) for name in expected} == expected


def test_listed_settings_are_what_set_takes(cli, backend, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "model: demo\npresets:\n  one:\n    settings:\n      stop_strings: ['a b', '5', \"'\\n\"]\n"
        "      num_beams: 3\n      early_stopping: never\n"
    )
    _, out, _ = cli("presets", "--presets", str(path))

    assert "model: demo" in out
    listed = "num_beams=3 early_stopping=never stop_strings='a b' stop_strings=5 stop_strings=$'"
    assert listed in out
    shown = out[out.index("num_beams") :].splitlines()[0]
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {shown}"], capture_output=True, check=True, text=True
    ).stdout.split("\0")[:-1]
    options = [part for word in words for part in ("--set", word)]
    cli("generate", PROMPT, "--set", "num_beams=1", *options)
    assert backend.requests[0].settings.stop_strings == ("a b", "5", "'\n")
    assert backend.requests[0].settings.num_beams == 3


def test_version_and_help(cli):
    code, out, err = cli("--version")
    assert (code, err) == (0, "")
    assert out.startswith("gpt2-playground ")

    for arguments in (["--help"], ["-h"], ["generate", "--help"], ["presets", "--help"]):
        code, out, err = cli(*arguments)
        assert (code, err) == (0, "")
        assert out.startswith("Usage: gpt2-playground")


@pytest.mark.usefixtures("in_the_repository")
def test_presets_tells_what_two_of_them_set_differently(cli):
    code, out, _ = cli("presets", "--diff", "nucleus", "greedy")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["SETTING", "nucleus", "greedy"],
        ["do_sample", "true", "false"],
        ["top_k", "0", "50"],
        ["top_p", "0.9", "1.0"],
    ]
    assert "the same settings" in cli("presets", "--diff", "cool", "cool")[1]
    code, _, fault = cli("presets", "--diff", "cool", "hott")
    assert code == 2
    assert "did you mean 'hot'?" in fault
