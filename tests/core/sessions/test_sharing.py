"""Runs into another session: each is there as it was, and what does not fit changes nothing."""

from __future__ import annotations

import dataclasses
import json
from typing import get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.document.document import Document
from core.document.export.about import about_run
from core.document.export.reading import ExportedRun, exported_runs
from core.document.export.several import text_of
from core.records.chat import Message, Role
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from core.records.steps import Started
from core.sessions.entries import ProgramStarted
from core.sessions.opening import open_session
from core.sessions.reading import read_contents
from core.sessions.runs import runs_of, runs_of_tree
from core.sessions.saved import read_saved, take_in
from core.sessions.sharing import grown_run_of, grown_runs, session_of
from tests.core.document.event_strategies import ENDS, ID_LISTS, STEPS, TEXTS
from tests.core.sessions.recorded import CHAT, INFO, OTHER, SAMPLE, Recorded
from tests.core.sessions.test_restoring import afternoon

VERSIONS = {"program_version", "torch", "transformers"}


def state_of(text):
    contents = read_contents(text.encode())
    assert contents.fault == ""
    return contents.state


def grown_of(state, node_ids=None):
    ids = [node.node_id for node in state.tree.nodes] if node_ids is None else node_ids
    return grown_runs(state.tree, state.documents, state.programs, ids)


def taken(text, tmp_path, name="into.jsonl"):
    return read_contents(
        take_in(read_saved(text, "it").grown(), tmp_path / name).path.read_bytes()
    ).state


def without_head(text):
    return text.split("\n")[1:]


def test_a_session_of_every_kind_of_run_comes_back_as_the_same_file(tmp_path):
    work = afternoon()
    work.remove(6)  # so that the numbers have a gap
    state = work.restored()
    text = session_of(grown_of(state))
    again = state_of(text)

    ours, theirs = list(runs_of(state)), list(runs_of(again))
    bare = [dataclasses.replace(one, name="", place=None) for one in ours]
    assert [dataclasses.replace(one, name="", place=None) for one in theirs] == bare
    assert [one.place.step for one in ours] == [one.place.step for one in theirs]
    assert [one.place.earlier for one in ours] == [one.place.earlier for one in theirs]
    shape = [(row.depth, row.step, row.name) for row in state.tree.rows()]
    assert [(row.depth, row.step, row.name) for row in again.tree.rows()] == shape
    for one, other in zip(state.documents.items(), again.documents.items(), strict=True):
        assert [turn.fork for turn in one[1]] == [turn.fork for turn in other[1]]
        assert [turn.message for turn in one[1]] == [turn.message for turn in other[1]]
    imported = taken(text, tmp_path)
    assert without_head(session_of(grown_of(imported))) == without_head(text)


def test_of_a_few_runs_those_without_their_parent_begin_with_all_that_was_before(tmp_path):
    state = afternoon().restored()
    chosen = [3, 4, 9]
    runs = list(runs_of_tree(state.tree, state.documents, state.programs, chosen))
    text = session_of(grown_of(state, chosen))
    again = state_of(text)

    assert [one.prompt for one in runs_of(again)] == [one.prompt for one in runs]
    assert [node.beginning.parent for node in again.tree.nodes] == [0, 1, 0]
    whole = [turns[-1].fork for turns in (again.documents[1], again.documents[3])]
    assert whole == [None, None], "what grew from nothing leaves nothing"
    assert [one.started for one in runs_of(again)] == [one.started for one in runs]
    imported = taken(text, tmp_path)
    assert without_head(session_of(grown_of(imported))) == without_head(text)


def test_every_run_by_itself_comes_back_as_the_same_lines(tmp_path):
    for number, run in enumerate(runs_of(afternoon().restored())):
        text = text_of([run], "jsonl")
        imported = taken(text, tmp_path, f"{number}.jsonl")
        assert text_of(list(runs_of(imported)), "jsonl") == text


def conversation():
    """One that follows another text, with messages, an answer that went on, and a fork in it."""
    work = Recorded()
    work.send("Once upon")
    work.send("Hello", chat=CHAT)
    work.send("More", SAMPLE, chat=CHAT)
    work.send("", SAMPLE)
    work.fork(9, 1)
    work.send("And then?", chat=CHAT)
    return work.restored()


def asked_next(document):
    """What a model is asked for the next message, to write the answer on, and that by another."""
    for prompt, chat, model in (("What else?", CHAT, INFO), ("", None, INFO), ("", None, OTHER)):
        yield Document(document).begin(prompt, "x", Settings(), model, chat)


def test_a_run_of_a_conversation_that_is_taken_in_goes_on_with_all_that_was_said(tmp_path):
    state = conversation()
    for node_id, run in enumerate(runs_of(state), 1):
        one = taken(text_of([run], "jsonl"), tmp_path, f"{node_id}.jsonl")
        several = state_of(session_of(grown_of(state, [node_id])))
        for again in (one, several):
            (turn,) = again.documents[1]
            assert Document([turn]).text == Document(state.documents[node_id]).text
            found = list(asked_next(again.documents[1]))
            for wanted, request in zip(asked_next(state.documents[node_id]), found, strict=True):
                assert request.messages == wanted.messages
                assert request.chat == wanted.chat
                assert request.prompt == wanted.prompt


ABOUTS = st.builds(
    lambda info, name, said, by_hand, seed: about_run(
        info, name, Settings(seed=seed), CHAT if said else None, said, is_by_hand=by_hand
    ),
    st.none()
    | st.builds(
        ModelInfo,
        TEXTS.filter(bool),
        TEXTS,
        TEXTS,
        st.just(1),
        st.none(),
        st.just(9),
        tokenizer_fingerprint=TEXTS,
        origin=st.sampled_from(["", "cache"]),
        revision=TEXTS,
        weights_fingerprint=TEXTS,
    ),
    TEXTS,
    st.lists(st.builds(Message, st.sampled_from(get_args(Role)), TEXTS), max_size=3),
    st.booleans(),
    st.none() | st.integers(0, 2**63 - 1),
)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.lists(
        st.tuples(TEXTS, ABOUTS, ID_LISTS, st.lists(STEPS, max_size=3), ENDS),
        min_size=1,
        max_size=2,
    )
)
def test_any_runs_come_back_as_the_same_lines(parts):
    runs = [
        ExportedRun(
            prompt + "\n" * ((about["messages"] or [{}])[-1].get("role") == "user"),
            about,
            None,
            Started(ids, ids, 9, None, 7),
            tuple(steps),
            end,
        )
        for prompt, about, ids, steps, end in parts
    ]
    text = text_of(runs, "jsonl")
    read = exported_runs(text, "it")
    assert len(read) == len(runs)
    again = state_of(session_of([grown_run_of(one) for one in read]))
    written = [json.loads(line) for line in text_of(list(runs_of(again)), "jsonl").splitlines()]
    for ours, theirs in zip(map(json.loads, text.splitlines()), written, strict=True):
        assert theirs == ours


def test_versions_and_the_model_go_along():
    work = Recorded()
    work.record(ProgramStarted("0.9", "2.0", ""))
    work.send("Once")
    state = work.restored()
    again = state_of(session_of(grown_of(state)))

    assert again.model == INFO
    assert again.programs[1] == ProgramStarted("0.9", "2.0", "")


def test_of_the_model_it_is_known_what_the_file_tells():
    (run,) = runs_of(state_of(session_of(grown_of(afternoon().restored(), [1]))))
    told = dataclasses.replace(
        INFO,
        parameters=0,
        vocabulary_size=0,
        **dict.fromkeys(("placement", "note", "stands_in_for"), ""),
        own_settings=(),
    )
    assert grown_run_of(run).turn.model == told
    about = dict.fromkeys(run.about)
    bare = grown_run_of(dataclasses.replace(run, about={**about, "model": "m"})).turn.model
    assert (bare.name, bare.device, bare.dtype, bare.origin, bare.revision) == ("m", "", "", "", "")
    assert grown_run_of(dataclasses.replace(run, about=about)).turn.model is None


def test_a_message_is_one_without_its_line_end():
    messages = [one for one in runs_of(afternoon().restored()) if one.prompt.endswith("\n")]
    assert messages
    for run in messages:
        turn = grown_run_of(run).turn
        assert (turn.message, turn.prompt) == ("first", run.prompt.removesuffix("\n"))
        older = grown_run_of(dataclasses.replace(run, messages=())).turn
        assert (older.message, older.prompt) == ("first", run.prompt.removesuffix("\n"))
        text = grown_run_of(dataclasses.replace(run, messages=(), chat=None)).turn
        assert (text.message, text.prompt) == ("", run.prompt)


def test_runs_are_added_to_what_is_there_and_twice_is_no_fault(tmp_path):
    text = session_of(grown_of(afternoon().restored()))
    once = taken(text, tmp_path)
    count = len(once.tree.nodes)
    twice = taken(text, tmp_path)
    assert (once.name, twice.name) == ("", "")

    assert len(twice.tree.nodes) == 2 * count
    for node_id in range(1, count + 1):
        first, second = twice.tree.node(node_id), twice.tree.node(node_id + count)
        assert first.run == second.run
        assert twice.tree.document(node_id) == twice.tree.document(node_id + count)


@pytest.mark.parametrize(
    ("name", "kept"), [("lesson", "lesson"), ("a" * 70, "a" * 60), ("two\nlines", ""), ("", "")]
)
def test_only_a_session_that_begins_takes_the_name(tmp_path, name, kept):
    runs = grown_of(afternoon().restored(), [1])
    path = tmp_path / "mine.jsonl"
    assert take_in(runs, path, name).state.name == kept
    assert take_in(runs, path, "another").state.name == kept
    assert read_contents(path.read_bytes()).state.name == kept


def test_a_session_that_another_program_has_open_is_left_alone(tmp_path):
    path = tmp_path / "mine.jsonl"
    session = open_session(path)
    runs = grown_of(afternoon().restored())
    with pytest.raises(PlaygroundError, match="another program has it open"):
        take_in(runs, path)
    session.close()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.sessions.appending.LineFile.append", full)
    with pytest.raises(PlaygroundError, match="no longer saved: No space left on device"):
        take_in(grown_of(afternoon().restored(), [1]), tmp_path / "mine.jsonl")


def test_a_session_without_a_run_has_nothing_to_take_in():
    with pytest.raises(PlaygroundError, match="it is a session without a run"):
        read_saved(session_of([]), "it")


def test_what_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "mine.jsonl"
    take_in(grown_of(afternoon().restored()), path)
    before = path.read_bytes()
    runs = grown_of(afternoon().restored())
    branch = dataclasses.replace(runs[1].beginning, kept=10**6)
    runs[1] = dataclasses.replace(runs[1], beginning=branch)
    with pytest.raises(PlaygroundError, match="the runs do not fit together: run 12"):
        take_in(runs, path)
    assert path.read_bytes() == before


def test_a_run_that_does_not_tell_its_settings_is_refused():
    (run,) = runs_of(state_of(session_of(grown_of(afternoon().restored(), [1]))))
    with pytest.raises(PlaygroundError, match="does not tell its settings"):
        grown_run_of(dataclasses.replace(run, settings=None))
