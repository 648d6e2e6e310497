"""The picture in SVG: well-formed whatever was written, with all of it, and nothing that runs."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.document.export.svg import svg_of
from core.document.export.writers import make_writer
from core.sessions.runs import runs_of
from core.text.visible import cell_width, visible
from tests.core.document.page_reader import HOSTILE, run_of
from tests.core.sessions.test_restoring import afternoon

SVG = "{http://www.w3.org/2000/svg}"
TAGS = {f"{SVG}{name}" for name in ("svg", "style", "rect", "g", "title", "text")}


def read(text):
    tree = ET.fromstring(text)  # noqa: S314 - it is our own
    assert {one.tag for one in tree.iter()} <= TAGS
    assert not [name for one in tree.iter() for name in one.attrib if name.startswith("on")]
    return tree


def shown(tree):
    return "".join(one.text or "" for one in tree.iter(f"{SVG}text"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_what_was_written_and_nothing_more(text):
    run = run_of("a", text, "c", prompt=text, preset=text, model=text)
    tree = read(svg_of([dataclasses.replace(run, name=text)]))
    expected = visible(f"{text}a{text}c", keep="\n").replace("\n", "").replace("\uffff", "\\uffff")
    assert expected in shown(tree)


@hypothesis_settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=100), max_size=4))
def test_any_text_is_well_formed_and_within_its_width(texts):
    tree = read(svg_of([run_of(*texts, prompt="Once")]))
    for one in tree.iter(f"{SVG}text"):
        assert cell_width(one.text or "") <= 80
        right = float(one.get("x")) + float(one.get("textLength", "0"))
        assert right <= float(tree.get("width")) - 30


def test_marks_of_several_tokens_on_one_letter_are_counted_as_one_stack():
    tokens = ("e" + "\u0301" * 4, "\u0301" * 4, "\u0301", "a\u0301", "\n\u0301")
    tree = read(svg_of([run_of(*tokens, prompt="Once")]))
    assert visible("".join(tokens), keep="\n").replace("\n", "") in shown(tree)


def test_a_token_tells_what_was_weighed():
    tree = read(svg_of([run_of(" far", " away")]))
    titles = [one.text for one in tree.iter(f"{SVG}title")]
    assert [one.splitlines()[0] for one in titles] == [
        " far  step 1 · 1.00 bits",
        " away  step 2 · 1.00 bits",
    ]
    assert "far!  25.0%  top_k" in titles[0]
    assert not any((group.text or "").strip() for group in tree.iter(f"{SVG}g"))
    lengths = {one.text: one.get("textLength") for one in tree.iter(f"{SVG}text")}
    cell = float(lengths[" away"]) / len(" away")
    assert cell > 1
    assert float(lengths[" far"]) == pytest.approx(cell * len(" far"), abs=0.1)


def test_all_runs_of_a_session_are_on_it():
    runs = list(runs_of(afternoon().restored()))
    text = shown(read(svg_of(runs)))
    assert all(run.name in text for run in runs)
    assert "in place of step 2 of run 1" in text


def test_the_writer_gives_it_with_the_end():
    run = run_of(" far", prompt="Once")
    writer = make_writer("svg", run.prompt, run.about)
    events = (run.started, *run.steps, run.finished)
    assert "".join(part for event in events for part in writer.write(event)) == svg_of([run])
