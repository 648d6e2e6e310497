"""A page of several runs: which grew from which, and nothing said twice."""

from __future__ import annotations

import dataclasses
import re

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.document.export.page.page import page_of
from core.document.export.page.tree_map import map_of
from core.document.export.reading import TreePlace
from core.sessions.runs import runs_of
from core.text.visible import visible
from tests.core.document.page_reader import HOSTILE, PageReader, run_of
from tests.core.sessions.test_restoring import afternoon


def placed(node_id, parent, step=0, earlier="", text=" word", prompt=""):
    run = run_of(text, prompt=earlier + prompt)
    place = TreePlace(node_id, parent, step, earlier)
    return dataclasses.replace(run, name=f"run {node_id}", place=place)


def test_a_fork_stands_one_further_right_and_what_goes_on_below_what_it_follows():
    runs = [placed(1, 0), placed(2, 1), placed(5, 1, 3), placed(7, 2), placed(8, 5)]
    rows = map_of(runs)

    assert [(row.number, row.depth) for row in rows] == [(1, 0), (3, 1), (5, 1), (2, 0), (4, 0)]
    assert [row.grew for row in rows] == [
        "",
        "in place of step 3 of run 1",
        "after run 5",
        "after run 1",
        "after run 2",
    ]


def test_what_grew_from_a_run_that_is_not_there_says_so():
    text = page_of([placed(4, 3, 2), placed(9, 4)])

    assert "in place of step 2 of run 3" in text
    assert '<a href="#r1">after run 4</a>' in text


def test_what_was_written_before_is_folded_and_told_by_its_end():
    earlier = "Once upon a time " * 20 + "there was"
    text = page_of([placed(1, 0), placed(2, 1, earlier=earlier, prompt=" a king")])
    folded = re.findall(r'<details class="earlier">(.*?)</details>', text, re.DOTALL)

    assert len(folded) == 1
    assert f'<div class="prompt" lang="" dir="auto">{earlier}</div>' in folded[0]
    assert '<div class="prompt" lang="" dir="auto"> a king</div>' in text
    assert re.search(r"…</span>[^<]*there was</span></summary>|…[^<]*there was", folded[0])
    alone = page_of([placed(2, 1, earlier=earlier, prompt=" a king")])
    assert '<details class="earlier">' not in alone
    assert f"{earlier} a king</div>" in alone


def test_the_text_of_every_run_of_a_session_is_whole():
    runs = list(runs_of(afternoon().restored()))
    page = PageReader(page_of(runs))
    texts = [run.prompt[len(run.place.earlier) :] for run in runs]
    earlier = [run.place.earlier for run in runs]

    for run, own, before in zip(runs, texts, earlier, strict=True):
        assert run.prompt == before + own
    for at, run in enumerate(runs):
        if run.chat is not None and earlier[at]:
            texts[at] = texts[at].removeprefix("\n")  # a message has a line to itself
    folded = "".join(before + own for own, before in zip(texts, earlier, strict=True))
    assert page.text("prompt") == visible(folded)


def test_hostile_names_and_texts_are_texts():
    for text in HOSTILE:
        runs = [
            dataclasses.replace(placed(1, 0), name=text),
            placed(2, 1, earlier=text, prompt=text),
        ]
        page = PageReader(page_of(runs))
        plain = PageReader(page_of([placed(1, 0), placed(2, 1, earlier="a", prompt="b")]))
        assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements} | {"span"}


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2)), max_size=9))
def test_a_map_of_anything_has_every_run_once(places):
    runs = [placed(*place) for place in places]

    assert sorted(row.number for row in map_of(runs)) == list(range(1, len(runs) + 1))
