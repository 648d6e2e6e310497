"""Export: every format line by line, as it happens, from text that may mean harm."""

from __future__ import annotations

import csv
import itertools
import json
import math
from typing import get_args

import pytest

from core.backends.scripted import ScriptedBackend
from core.decoding.engine import generate
from core.document.export.about import about_run
from core.document.export.facts import facts_of
from core.document.export.tables import choices_of_step
from core.document.export.writers import FORMATS, JsonlWriter, event_record, make_writer
from core.records.model_info import ModelInfo
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    Finished,
    FinishReason,
    Hypothesis,
    NextToken,
    Started,
    TokenStep,
)
from core.text.visible import cell_width, visible

FAR = Candidate(5, " far", math.log(0.5), math.log(0.8), 1)
CUT = Candidate(6, ",", math.log(0.25), None, 2, "top_k")
BOTH = Distribution((FAR, CUT), 1.5, 1)
ENDS = ("open", "close")
INFO = ModelInfo(
    *("gpt2", "cpu", "float32", 1, 1024, 2000), engine="fast", origin="cache", revision="abc"
)
STARTED = Started((1, 2), (2,), 3, 1024, 7)
STEP = TokenStep(0, FAR, BOTH, " far", 0.01)
HYPOTHESIS = Hypothesis((5,), " far", -0.7, -0.35, 0, FAR)


def events(prompt="A long time ago, ", settings=None, texts=(" far", ",", " away")):
    settings = settings or Settings(max_new_tokens=len(texts))
    return list(ScriptedBackend(texts).generate(Request(prompt, settings), lambda: False))


def written(name, prompt="A long time ago, ", **script):
    writer = make_writer(name, prompt)
    return "".join(text for event in events(prompt, **script) for text in writer.write(event))


def test_text_comes_as_it_is_made_and_ends_with_one_line_end():
    writer = make_writer("text", "prompt")
    pieces = [list(writer.write(event)) for event in events()]

    assert pieces == [[], [" far"], [","], [" away"], ["\n"]]


def test_text_of_beams_is_the_winner_at_the_end():
    assert written("text", settings=Settings(num_beams=2, max_new_tokens=3)) == " far, away\n"


def test_text_that_only_the_end_knows_is_added():
    writer = make_writer("text", "")
    pieces = [*writer.write(STEP), *writer.write(Finished("length", (5,), " far\ufffd", 1.0))]

    assert "".join(pieces) == " far\ufffd\n"


def test_text_of_a_run_that_made_nothing_is_nothing():
    assert list(make_writer("text", "").write(Finished("failed", (), "", 0.0))) == []


def test_jsonl_is_a_line_a_step_and_one_for_the_end():
    first, *lines = [json.loads(line) for line in written("jsonl").splitlines()]

    assert first["type"] == "started"
    assert first["prompt"] == "A long time ago, "
    assert [line["type"] for line in lines] == ["step", "step", "step", "finished"]
    assert [line["token"]["token_id"] for line in lines[:3]] == lines[3]["token_ids"]
    (line,) = JsonlWriter({"model": "demo"}).write(STARTED)
    assert json.loads(line) == {**event_record(STARTED), "model": "demo"}


@pytest.mark.parametrize(("name", "star"), [("table", "*"), ("markdown", r"\*")])
def test_what_was_chosen_has_a_star(name, star):
    writer = make_writer(name, "Ago")
    (row,) = writer.write(STEP)
    assert f"far (50.00%){star}" in row
    assert row.count("*") == 1

    other = Hypothesis((5,), " far", -0.7, -0.35, 1, FAR)
    step = BeamStep(0, (HYPOTHESIS, other), (), (), (BOTH,), 0.01)
    (row,) = make_writer(name, "Ago").write(step)
    assert row.count("*") == 1


def test_jsonl_of_beams():
    text = written("jsonl", settings=Settings(num_beams=2, max_new_tokens=3))
    _, *lines = [json.loads(line) for line in text.splitlines()]

    assert [line["type"] for line in lines] == [*["beam_step"] * 3, "finished"]
    assert [one["parent"] for one in lines[1]["hypotheses"]] == [0, 1]


def test_the_table_is_that_of_the_notebook():
    lines = written("table", prompt="Ago, ").splitlines()

    header = " ".join(lines[0].split())
    assert header == "Input Choice 1 Choice 2 Choice 3 Choice 4 Choice 5"
    assert lines[1].startswith("Ago,  ")
    assert lines[2].startswith("Ago,  far  ")
    assert lines[3].startswith("Ago,  far,  ")
    assert " far (50.00%)" in lines[1]
    assert ", (25.00%)" in lines[1]
    assert len(lines) == 4


def test_the_table_is_aligned():
    lines = written("table", texts=(" far", "日本", "e\u0301", "\n")).splitlines()
    column = cell_width(lines[0].partition("Choice 1")[0])

    assert len(lines) == 5
    for line in lines[1:]:
        head = keep_cells(line, column)
        assert cell_width(head) == column
        assert head.endswith("  ")


def keep_cells(line, width):
    end = 0
    while cell_width(line[:end]) < width:
        end += 1
    return line[:end]


def test_a_long_input_shows_its_end():
    lines = written("table", prompt="x" * 5000 + " the end").splitlines()

    assert lines[1].startswith("…")
    assert " the end " in lines[1]
    assert all(len(line) < 250 for line in lines)


def test_the_table_of_beams_has_a_row_for_each_beam_that_was_read():
    lines = written("table", "Ago", settings=Settings(num_beams=2, max_new_tokens=2)).splitlines()

    assert [line.split("  ")[0] for line in lines] == ["Input", "Ago", "Ago far", "Ago,"]


def markdown(prompt="Ago, ", texts=(" far", ",", " away"), **settings):
    full = Settings(max_new_tokens=len(texts), **settings)
    writer = make_writer("markdown", prompt, about_run(INFO, "nucleus", full))
    return "".join(one for event in events(prompt, full, texts) for one in writer.write(event))


def test_markdown_says_once_what_a_class_needs_to_know():
    prompt = "A beginning. " * 20
    text = markdown(prompt, do_sample=True, top_p=0.9)
    lines = text.splitlines()

    assert lines[:4] == ["# What gpt2 weighed at each step", "", "|  |  |", "| --- | --- |"]
    assert lines[11:14] == ["", "## Prompt", ""]
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines[4:12]]
    facts = dict(row for row in rows if len(row) == 2)
    assert facts["model"] == "gpt2 (cache)"
    assert facts["revision"] == "abc"
    assert facts["runs on"] == "cpu, float32, fast"
    assert facts["preset"] == "nucleus"
    settings = r"max\_new\_tokens: 3, do\_sample: true, top\_k: 50, top\_p: 0.9"
    assert facts["settings"] == settings
    assert facts["seed"].isdigit()
    program, torch, transformers = facts["program"].split(", ")
    assert program.startswith("gpt2-playground ")
    assert torch.startswith("torch 2")
    assert transformers.startswith("transformers 5")
    assert text.count("A beginning. " * 19) == 1
    assert text.count("A beginning") == 20
    assert (
        lines.count("| Step | Token | Choice 1 | Choice 2 | Choice 3 | Choice 4 | Choice 5 |") == 1
    )
    (third,) = [line for line in lines if line.startswith("| 3 |")]
    assert third.startswith("| 3 | ·away |")
    assert third.count(r" ·away (50.00%)\*") == 1
    assert "> &nbsp;far, away\n\n3 tokens; the length asked for was reached.\n" in text


def test_markdown_of_a_run_without_dice_names_no_seed():
    assert "| seed |" not in markdown()


def test_of_a_model_of_which_only_the_name_is_known_that_is_told():
    assert facts_of({"model": "m"}, STARTED) == [("model", "m")]


def test_markdown_names_a_seed_once():
    text = markdown(do_sample=True, seed=31)
    assert "| seed | " in text
    assert "seed: 31" not in text


def test_markdown_of_beams_has_a_row_for_each_beam_that_was_read():
    lines = markdown(num_beams=2).splitlines()

    at = lines.index("## Steps")
    rows = [line.split(" | ")[:2] for line in lines[at:] if line.startswith("| ")]
    assert rows[0] == ["| Step", "Beam"]
    assert [row[0] for row in rows[2:]] == ["| 1", "| 2", "| 2", "| 3", "| 3"]
    assert rows[3][1].startswith("1: ")


@pytest.mark.parametrize(
    ("text", "cell"),
    [(" far", "·far"), ("far", "far"), (" ", "·"), ("   ", "···"), ("  a b ", "··a b "), ("", "")],
)
def test_the_spaces_that_a_token_begins_with_are_seen(text, cell):
    (row,) = [line for line in markdown(texts=(text, "b")).splitlines() if line.startswith("| 1 |")]

    assert f"| {cell} (50.00%)" in row
    assert row.startswith(f"| 1 | {cell} |")


HOSTILE = [
    "# no heading",
    "- no list",
    "+ no list",
    "1. no list",
    "12) no list",
    "=====",
    "-----",
    "    no code",
    "> no quote in it",
    "```",
    "~~~",
    "| no | table |",
    "<b>no tag</b>",
    "[no](javascript:link)",
    "![no](http://picture)",
    "*no* _emphasis_ **at** all",
    "no escape \\",
    "&nbsp; &#65;",
    "$no$ formula",
    "trailing spaces  ",
    "\x1b[2J",
    "a\n# b\n\n- c\n    d",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_in_markdown_is_what_was_written(text):
    """Held against a reader of CommonMark: the quotes give back every character and line."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(text, (text, "b")))
    quotes = [
        one.children
        for before, one in itertools.pairwise(tokens)
        if one.type == "inline" and before.type == "paragraph_open" and before.level > 0
    ]
    kinds = {one.type for one in tokens}
    assert kinds <= {
        *(f"{name}_{end}" for name in ("heading", "paragraph", "blockquote") for end in ENDS),
        *(
            f"{name}_{end}"
            for name in ("table", "thead", "tbody", "tr", "th", "td")
            for end in ENDS
        ),
        "inline",
    }
    shown = [
        "".join("\n" if one.type == "hardbreak" else one.content for one in quote)
        for quote in quotes
    ]
    spelled = visible(text, keep="\n").split("\n\n")
    assert [one.replace("\xa0", " ") for one in shown[: len(spelled)]] == spelled
    assert {one.type for quote in quotes for one in quote} <= {"text", "hardbreak", "text_special"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("|", r"\|"),
        ("a\nb", r"a\\nb"),
        ("\x1b[2J", r"\\x1b\[2J"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[a](http://b)", r"\[a\](http://b)"),
        ("\\|", r"\\\|"),
        ("`&amp;`", r"\`\&amp;\`"),
    ],
)
def test_markdown_cells_stay_cells(text, shown):
    lines = written("markdown", texts=(text, "b")).splitlines()

    (row,) = [line for line in lines if line.startswith("| 1 |")]
    assert f"| {shown} (50.00%)\\* |" in row
    assert row.count(" |") == 7


def test_csv_has_a_row_a_step():
    rows = list(csv.DictReader(written("csv").splitlines()))

    assert [row["token_id"] for row in rows] == ["100", "101", "102"]
    first = rows[0]
    assert (first["index"], first["text"], first["rank"]) == ("0", " far", "1")
    assert float(first["probability"]) == pytest.approx(0.5)
    assert float(first["final_probability"]) == pytest.approx(4 / 7)
    assert (first["entropy"], first["kept"]) == ("1.9", "3")
    assert [first[f"choice_{n}_text"] for n in (1, 2, 3)] == [" far", ",", " away"]
    assert (first["choice_4_cut_by"], first["choice_4_final_probability"]) == ("top_p", "0.0")
    assert (first["beam"], first["parent"], first["score"]) == ("", "", "")


def test_csv_of_beams_has_a_row_a_beam():
    text = written("csv", settings=Settings(num_beams=2, max_new_tokens=2))
    rows = list(csv.DictReader(text.splitlines()))

    assert [(row["index"], row["beam"], row["parent"]) for row in rows] == [
        ("0", "0", "0"),
        ("0", "1", "0"),
        ("1", "0", "0"),
        ("1", "1", "1"),
    ]
    assert float(rows[0]["score"]) == pytest.approx(-1.0)


@pytest.mark.parametrize("drawn", [{}, {"do_sample": True, "top_k": 0, "top_p": 0.6}], ids=str)
def test_no_figure_of_beams_is_called_a_probability_that_is_none(drawn, demo):
    """What the settings leave of a beam's tokens does not sum to 1: it is added to a score."""
    settings = Settings(num_beams=3, max_new_tokens=3, repetition_penalty=0.5, seed=1, **drawn)
    events = list(generate(demo.model, demo.codec, Request("Once upon", settings), lambda: False))
    for name in ("csv", "jsonl"):
        writer = make_writer(name, "Once upon")
        told = "".join(piece for event in events for piece in writer.write(event))
        assert "final_score" in told
        assert "final_prob" not in told
        assert "final_logprob" not in told
    rows = list(
        csv.DictReader(
            "".join(
                piece
                for writer in [make_writer("csv", "")]
                for event in events
                for piece in writer.write(event)
            ).splitlines()
        )
    )
    steps = [event for event in events if isinstance(event, BeamStep)]
    first = [row for row in rows if row["index"] == "0"]
    assert len(first) == len(steps[0].hypotheses) >= 2
    for row, beam in zip(first, steps[0].hypotheses, strict=True):
        assert float(row["final_score"]) == pytest.approx(float(row["score"]), abs=1e-5)
        assert float(row["final_score"]) == beam.token.final_logprob


def test_csv_of_a_beam_that_ended_earlier_shows_no_choices_of_others():
    writer = make_writer("csv", "")
    header = "".join(writer.write(STARTED))
    row = "".join(writer.write(BeamStep(9, (HYPOTHESIS,), (), (), (BOTH,), 0.1)))
    cells = next(csv.DictReader((header + row).splitlines()))

    assert None not in cells
    assert (cells["text"], cells["entropy"], cells["choice_1_text"]) == (" far", "", "")
    assert cells["parent"] == ""  # it is one of another step


@pytest.mark.parametrize("text", ["a\nb", 'a"b', "a,b", "a\r\n", "\x1b[2J", "\u2028", "\udc80"])
def test_csv_rows_stay_rows(text):
    lines = written("csv", texts=(text, "b")).split("\n")
    rows = list(csv.reader(lines[:-1]))

    assert lines[-1] == ""
    assert len(rows) == 3
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[1][5] == visible(text, keep="")


def test_csv_keeps_what_a_spreadsheet_would_take_for_a_formula():
    rows = list(csv.DictReader(written("csv", texts=("=1+1", "b")).splitlines()))

    assert rows[0]["text"] == "=1+1"


def test_fewer_than_five_candidates_leave_cells_empty():
    of_csv, of_markdown = make_writer("csv", ""), make_writer("markdown", "")
    lines = [*of_csv.write(STARTED), *of_csv.write(STEP)]
    header, row = csv.reader(lines)
    assert len(row) == len(header)
    assert row[-16:] == ["top_k", *[""] * 15]

    *_, rule = of_markdown.write(STARTED)
    (markdown_row,) = of_markdown.write(STEP)
    assert markdown_row.count(" |") == rule.count(" |")


def test_an_unknown_format():
    with pytest.raises(ValueError, match="no format 'xml'"):
        make_writer("xml", "")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "text"])
def test_no_format_but_text_lets_escape_codes_through(name):
    assert "\x1b" not in written(name, prompt="\x1b[31m", texts=("\x1b[2J", "\x9b", "\u202e"))


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("html", "svg")])
def test_every_event_is_written_before_the_next_one_is_asked_for(name):
    """A writer that collects would show nothing until the end of a long run."""
    writer = make_writer(name, "Ago")
    sizes = [sum(map(len, writer.write(event))) for event in events()]

    assert all(size > 0 for size in sizes[1:-1])


@pytest.mark.parametrize("place", [0, 1, None])
def test_every_format_tells_what_a_person_chose(place):
    """Also where it is not among the five likeliest, which typed text rarely is."""
    odd = Candidate(9, " [b]|x", math.log(0.001), math.log(0.002), 40)
    token = odd if place is None else BOTH.candidates[place]
    step = TokenStep(0, token, BOTH, token.text, 0.01, "person")
    texts = {}
    for name in FORMATS:
        writer = make_writer(name, "Once")
        ran = (STARTED, step, Finished("length", (token.token_id,), token.text, 1.0))
        texts[name] = "".join(part for event in ran for part in writer.write(event))

    assert texts["text"] == token.text + "\n"
    assert json.loads(texts["jsonl"].splitlines()[1])["chosen_by"] == "person"
    (row,) = csv.DictReader(texts["csv"].splitlines())
    assert (row["chosen_by"], row["token_id"]) == ("person", str(token.token_id))
    assert row["rank"] == str(token.rank)
    for name in ("table", "markdown"):
        (chosen,) = [one for one in texts[name].splitlines() if ")+" in one]
        assert f"({token.probability:.2%})+" in chosen
        assert ")*" not in chosen


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("reason", get_args(FinishReason))
def test_every_format_says_why_a_run_ended(name, reason):
    writer = make_writer(name, "Once")
    ran = (STARTED, STEP, NextToken(BOTH), Finished(reason, (5,), " far", 1.0))
    assert "".join(part for event in ran for part in writer.write(event))


def test_what_was_chosen_from_outside_the_five_keeps_its_space():
    others = tuple(Candidate(at, f" {at}", -2.0, -2.0, at) for at in range(1, 6))
    token = Candidate(9, " nine", -5.0, -5.0, 9)
    step = TokenStep(0, token, Distribution(others, 1.0, 9), " nine", 0.1)
    assert choices_of_step(step)[-1] == " 5 (13.53%) …  nine (0.67%)*"
