"""Several runs in one file, in the formats that hold them."""

from __future__ import annotations

import pytest

from core.document.export.page.page import page_of
from core.document.export.reading import exported_runs
from core.document.export.several import OF_SEVERAL, text_of
from core.document.export.svg import svg_of
from core.records.errors import PlaygroundError
from tests.core.document.page_reader import run_of

RUNS = [run_of(" far", " away", prompt="Once"), run_of(" then", prompt="And")]


def test_each_run_is_there():
    assert text_of(RUNS, "html") == page_of(RUNS)
    assert text_of(RUNS, "svg") == svg_of(RUNS)
    assert text_of(RUNS, "markdown") == "\n".join(text_of([run], "markdown") for run in RUNS)
    read = exported_runs(text_of(RUNS, "jsonl"), "it")
    assert [(run.prompt, run.finished.text) for run in read] == [
        (run.prompt, run.finished.text) for run in RUNS
    ]
    assert "" not in text_of(RUNS, "jsonl").splitlines()


@pytest.mark.parametrize("name", ["csv", "text"])
def test_what_holds_one_says_what_holds_several(name):
    with pytest.raises(PlaygroundError) as told:
        text_of(RUNS, name)
    assert str(told.value) == (
        f"there are 2 runs, and {name} holds one; html, svg, markdown and jsonl hold several"
    )
    assert text_of(RUNS[:1], name)
    assert len(OF_SEVERAL) == 4
