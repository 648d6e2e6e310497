"""A session's runs taken out of it: each is what it was, with what stood before it."""

from __future__ import annotations

from core.document.export.page.view import run_view
from core.document.export.several import text_of
from core.sessions.entries import ProgramStarted
from core.sessions.runs import runs_of
from tests.core.sessions.recorded import INFO, Recorded
from tests.core.sessions.test_restoring import afternoon


def test_every_run_is_there_with_its_document_before_it():
    work = afternoon()
    state = work.restored()
    runs = list(runs_of(state))

    names = [one.name for one in runs]
    assert names[:3] == ["run 1", "the second", "run 3"]
    assert len(names) == len(set(names)) == len(work.tree.nodes)
    for node, run in zip(work.tree.nodes, runs, strict=True):
        assert (run.steps, run.finished.text) == (node.run.steps, node.run.text)
        assert (run.settings, run.started.seed) == (node.run.settings, node.run.seed)
        assert run.about["model"] == INFO.name
        whole = "".join(turn.prompt + turn.text for turn in state.documents[node.node_id])
        if not any(turn.chat for turn in state.documents[node.node_id]):
            assert run.prompt + run.finished.text == whole


def test_versions_are_those_that_wrote_the_run():
    work = Recorded()
    work.record(ProgramStarted("0.9", "2.0", ""))
    work.send("Once")
    (run,) = runs_of(work.restored())

    assert [run.about[name] for name in ("program_version", "torch", "transformers")] == [
        *("0.9", "2.0", None)
    ]


def test_a_session_without_a_run_has_none():
    assert list(runs_of(Recorded().restored())) == []


def test_each_of_several_runs_in_markdown_says_which_it_is():
    runs = list(runs_of(afternoon().restored()))
    headings = [line for line in text_of(runs, "markdown").splitlines() if line.startswith("# ")]
    assert headings[:2] == [
        "# run 1: what scripted weighed at each step",
        "# the second: what scripted weighed at each step",
    ]
    assert len(headings) == len(runs)
    assert text_of(runs[:1], "markdown").startswith("# What scripted weighed")


def test_a_page_of_them_shows_each_message_alone():
    runs = list(runs_of(afternoon().restored()))
    shown = [run_view(one, number, runs).prompt for number, one in enumerate(runs, 1)]
    assert [one for one in shown if one.endswith("\n")] == ["Hello\n", "More\n"]
