"""The page of HTML: what was written is what it shows, whatever that is, and nothing else runs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.backends.scripted import ScriptedBackend
from core.decoding.engine import generate
from core.document.export.page import page as page_module
from core.document.export.page.page import page_of
from core.document.export.page.view import run_view
from core.document.export.page.written import final_beams, written_tokens
from core.document.export.reading import ExportedRun
from core.document.export.writers import make_writer
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import BeamStep, Finished, Hypothesis, Step, TokenStep
from core.text.visible import visible
from tests.core.document.page_reader import HOSTILE, PageReader, run_of
from tui.look.colours import TEXT_CONTRAST, colour_variables, contrast
from tui.look.themes import INK, PAPER

PAGE_FOLDER = Path(page_module.__file__).parent


def written(page: PageReader) -> str:
    return page.text("t") + page.text("rest")


def ran(demo, prompt="Once upon", **settings):
    settings = Settings(max_new_tokens=8, **settings)
    events = list(generate(demo.model, demo.codec, Request(prompt, settings), lambda: False))
    steps = tuple(one for one in events if isinstance(one, Step))
    return ExportedRun(prompt, {"preset": "x"}, settings, events[0], steps, events[-1])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_what_was_written_and_nothing_more(text):
    """As prompt, token, candidate, model, preset, setting, reason and end."""
    plain = PageReader(page_of([run_of("a", "b", "c")]))
    about = dict.fromkeys(("model", "preset", "origin", "revision", "engine", "torch"), text)
    about["settings"] = {text: text, "stop_strings": [text]}
    run = run_of("a", text, "c", prompt=text, **about)
    run = dataclasses.replace(run, finished=dataclasses.replace(run.finished, detail=text))
    page = PageReader(page_of([run]))

    assert page.text("prompt") == visible(text)
    assert written(page) == visible(f"a{text}c")
    kinds = {tag for tag, _ in plain.elements}
    assert {tag for tag, _ in page.elements} <= kinds
    for one in (plain, page):
        assert [tag for tag, _ in one.elements].count("script") == 1
        for tag, attributes in one.elements:
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            for name in ("href", "src"):
                assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert page.scripts == plain.scripts


@hypothesis_settings(max_examples=60)
@given(st.lists(st.text(st.characters(), max_size=8), max_size=4), st.text(st.characters()))
@example(["e" + "\u0301" * 4, "\u0301" * 4, "\u0301", "a\u0301"], "")
@example(["e" + "\u0301" * 4, "\ufe0f", "\u0301" * 2], "")
def test_any_text_is_what_was_written(texts, prompt):
    page = PageReader(page_of([run_of(*texts, prompt=prompt)]))

    assert page.text("prompt") == visible(prompt)
    assert written(page) == visible("".join(texts))


def test_the_page_can_run_nothing_but_its_own_script_and_load_nothing():
    text = page_of([run_of("a")])
    page = PageReader(text)
    (policy,) = [
        attributes["content"]
        for tag, attributes in page.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    assert rules.pop("default-src") == "'none'"
    for name, content in zip(("style-src", "script-src"), page.scripts, strict=True):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert rules == {"base-uri": "'none'", "form-action": "'none'"}
    assert not re.search(r"url\(|@import|https?:|fetch|eval|innerHTML", "".join(page.scripts))
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")


def test_every_token_has_its_panel_and_can_be_reached_without_a_script():
    page = PageReader(page_of([run_of(" far", ",", " away"), run_of(" b")]))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    tokens = [found for tag, found in page.elements if "t" in (found.get("class") or "").split()]

    assert len(ids) == len(set(ids))
    assert len(tokens) == 4
    for token in tokens:
        assert token["tabindex"] == "0"
        assert token["aria-describedby"] in ids
        assert token["href"] == "#" + token["id"]
    assert {"header", "main", "article", "nav", "footer"} <= {tag for tag, _ in page.elements}
    assert next(found for tag, found in page.elements if tag == "html") == {"lang": "en"}
    for label in ("aria-labelledby", "aria-describedby"):
        assert {found[label] for _, found in page.elements if label in found} <= set(ids)


def test_several_runs_stand_in_their_order_with_a_way_to_each():
    runs = [run_of(" a", preset="one"), run_of(" b", preset="two"), run_of(" c", preset="three")]
    text = page_of(runs)
    page = PageReader(text)

    assert written(page).split() == ["a", "b", "c"]
    assert [text.index(f'<article id="r{number}"') for number in (1, 2, 3)] == sorted(
        text.index(f'<article id="r{number}"') for number in (1, 2, 3)
    )
    assert '<a href="#r2">two</a>' in text
    assert "<nav" not in page_of(runs[:1])
    with pytest.raises(ValueError, match="one run at least"):
        page_of([])


@pytest.mark.parametrize(
    ("model", "called"),
    [("demo", "demo"), ("/home/me/models/mine/", "mine"), ("a/b", "b"), ("/", "a model")],
)
def test_headings_call_a_model_by_the_last_part_of_its_name(model, called):
    text = page_of([run_of(" far", prompt="Once", model=model)])

    assert f"<h1>what <bdi>{called}</bdi> weighed" in text
    assert f"<title>Once far · {called}</title>" in text


def test_what_a_panel_says():
    (token,) = run_view(run_of(" far"), 1).tokens

    assert (token.bits, token.rank, token.step, token.level) == ("1.00", "1", "1", 1)
    assert [(row.text, row.probability, row.final, row.cut_by) for row in token.rows] == [
        (" far", "50.0%", "80.0%", ""),
        (" far!", "25.0%", "", "top_k"),
    ]
    assert [row.is_chosen for row in token.rows] == [True, False]
    assert (token.rest, token.kept, token.is_beyond) == ("25.0%", "1", False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_sample": True, "top_k": 0, "temperature": 1.5, "seed": 1},
        {"num_beams": 4, "no_repeat_ngram_size": 2},
        {"num_beams": 3, "do_sample": True, "seed": 2},
    ],
    ids=["greedy", "sampling", "beams", "beam sampling"],
)
def test_the_text_of_a_run_is_all_there_with_each_token_chosen_from_what_it_was(demo, settings):
    run = ran(demo, "Größe 日本", **settings)
    tokens, rest = written_tokens(run.steps, run.finished)

    assert "".join(one.text for one in tokens) + rest == run.finished.text
    assert tuple(one.token.token_id for one in tokens) == run.finished.token_ids
    for one in tokens:
        weighed = {other.token_id: other.logprob for other in one.distribution.candidates}
        assert weighed.get(one.token.token_id, one.token.logprob) == one.token.logprob
    page = PageReader(page_of([run]))
    assert written(page) == visible(run.finished.text)
    assert ("Beams" in page.text("any")) == ("num_beams" in settings)


def test_beams_are_ranked_with_the_one_that_was_written_marked(demo):
    run = ran(demo, num_beams=4)
    view = run_view(run, 1)

    assert [beam.is_winner for beam in view.beams] == [True, False, False, False]
    assert [beam.same + beam.rest for beam in view.beams] == [
        beam.text for beam in final_beams(run.steps)
    ]
    assert [beam.place for beam in view.beams] == ["1", "2", "3", "4"]
    first = view.beams[0].same + view.beams[0].rest
    for beam in view.beams[1:]:
        assert first.startswith(beam.same)
        assert beam.same == "" or beam.same.endswith(" ") or first.startswith(beam.same + beam.rest)
    assert len(view.search) == len(run.steps)
    for shown, step in zip(view.search, run.steps, strict=True):
        assert len(shown.beams) == len(step.hypotheses) + len(step.dropped)
        assert [beam.remark for beam in shown.beams if not beam.place] == [
            one.reason for one in step.dropped
        ]


def test_beams_begin_alike_in_whole_words():
    token = run_of("one").steps[0].token
    beams = [Hypothesis((at,), text, -1.0, -1.0, 0, token) for at, text in enumerate(BEGINNINGS)]
    step = BeamStep(0, tuple(beams), (), (), (), 0.0)
    view = run_view(dataclasses.replace(run_of(), steps=(step,)), 1)
    assert [(beam.same, beam.rest) for beam in view.beams] == [
        ("", "one two"),
        ("one ", "three"),
        ("one two", ""),
    ]
    assert view.search[0].number == "1"
    assert view.search[0].beams == view.beams


BEGINNINGS = ("one two", "one three", "one two")


def test_a_search_that_does_not_fit_together_is_its_text_alone(demo):
    """A file may say that a beam came from itself."""
    run = ran(demo, num_beams=2)
    broken = [
        dataclasses.replace(
            step,
            hypotheses=tuple(
                dataclasses.replace(one, token_ids=run.finished.token_ids, text="no", parent=0)
                for one in step.hypotheses
            ),
        )
        for step in run.steps
    ]

    assert written_tokens(broken, run.finished) == ([], run.finished.text)
    assert written(PageReader(page_of([dataclasses.replace(run, steps=tuple(broken))])))


def test_what_a_person_put_stands_before_the_beams_that_went_on_from_it(demo):
    settings = Settings(max_new_tokens=4, num_beams=2)
    request = Request("Once upon", settings, forced=" a dragon")
    events = list(generate(demo.model, demo.codec, request, lambda: False))
    steps = [one for one in events if isinstance(one, Step)]
    tokens, rest = written_tokens(steps, events[-1])

    put = [one for one in steps if isinstance(one, TokenStep)]
    assert 0 < len(put) < len(steps)
    assert [one.step for one in tokens] == list(range(len(steps)))
    assert [one.chosen_by for one in tokens[: len(put)]] == ["person"] * len(put)
    assert "".join(one.text for one in tokens[: len(put)]) == " a dragon"
    assert "".join(one.text for one in tokens) + rest == events[-1].text


def test_a_run_that_failed_keeps_its_tokens_and_says_why():
    run = run_of(" a", " b")
    run = dataclasses.replace(run, finished=Finished("failed", (), "", 0.0, detail="no memory"))
    page = PageReader(page_of([run]))

    assert written(page) == " a b"
    assert page.text("failed") == "0 tokens; no memory."


def test_a_run_without_a_token_has_no_beams():
    run = run_of()
    assert final_beams(run.steps) == []
    assert page_of([run])


def test_a_special_token_is_a_sign_that_is_no_text():
    run = run_of(" a", "<|endoftext|>")
    last = dataclasses.replace(run.steps[-1], text="", is_special=True)
    finished = dataclasses.replace(run.finished, text=" a", reason="end_of_text")
    text = page_of([dataclasses.replace(run, steps=(run.steps[0], last), finished=finished)])

    assert written(PageReader(text)) == " a"
    assert text.count('class="t t1 end"') == 1
    assert "&lt;|endoftext|&gt;" in text


@pytest.mark.parametrize(("theme", "place"), [(PAPER, 0), (INK, 1)], ids=["light", "dark"])
def test_the_colours_are_the_app_s_and_all_text_can_be_read(theme, place):
    from textual.color import Color

    css = (PAGE_FOLDER / "page.css").read_text()
    block = css.split("{", 2)[1] if place == 0 else css.split("prefers-color-scheme: dark")[1]
    found = {
        name: Color.parse(value) for name, value in re.findall(r"--([\w-]+): (#\w+);", block)[:13]
    }
    variables = theme.to_color_system().generate()
    app = colour_variables(variables, is_dark=theme.dark, colours="truecolor", tints_by_style=False)

    for level in range(1, 5):
        assert found[f"tint-{level}"] == Color.parse(app[f"tint-{level}"])
        assert contrast(found["text"], found[f"tint-{level}"]) >= TEXT_CONTRAST
    assert found["ground"] == Color.parse(variables["background"])
    for text in ("text", "dim", "primary", "error"):
        for ground in ("ground", "surface"):
            assert contrast(found[text], found[ground]) >= TEXT_CONTRAST, (text, ground)
    for ground in ("bar", "picked"):
        assert contrast(found["text"], found[ground]) >= TEXT_CONTRAST
    assert contrast(found["dim"], found["picked"]) >= TEXT_CONTRAST


def test_the_writer_gives_the_page_once_the_run_has_ended():
    events = list(
        ScriptedBackend((" a", " b")).generate(
            Request("Once", Settings(max_new_tokens=2)), lambda: False
        )
    )
    writer = make_writer("html", "Once", {"model": "demo"})
    pieces = ["".join(writer.write(event)) for event in events]

    assert pieces[:-1] == [""] * (len(events) - 1)
    page = PageReader(pieces[-1])
    assert (page.text("prompt"), written(page)) == ("Once", " a b")


def test_figures_that_are_no_numbers_are_shown():
    run = run_of(" a")
    step = run.steps[0]
    token = dataclasses.replace(step.token, logprob=-math.inf, final_logprob=-math.inf)
    weighed = dataclasses.replace(step.distribution, candidates=(token,), entropy=math.nan)
    step = dataclasses.replace(step, token=token, distribution=weighed)
    page = PageReader(page_of([dataclasses.replace(run, steps=(step,))]))

    assert written(page) == " a"
    assert isinstance(step, Step)
    assert not isinstance(step, BeamStep)
