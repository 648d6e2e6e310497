"""What was done comes back: tree, documents, cursor, the way back, whatever the order."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.document.tree_records import ROOT, Beginning
from core.records.settings import Settings
from core.records.steps import Finished
from core.sessions.entries import (
    Cut,
    ModelReady,
    Moved,
    PresetChosen,
    ProgramStarted,
    PromptSent,
    RunRemoved,
    SessionNamed,
)
from core.sessions.reading import read_contents
from core.sessions.restoring import INTERRUPTED, Restorer
from core.sessions.to_json import entry_record, line_of
from tests.core.sessions.recorded import BEAM, CHAT, INFO, OTHER, SAMPLE, Recorded, assert_same


def afternoon():
    """Runs, forks, a search, a conversation, by hand, names, moves."""
    work = Recorded()
    work.send("Once upon")
    work.send("", SAMPLE)
    work.fork(1, 1)
    work.fork(2, " typed text")
    work.name(2, "the second")
    work.move("go", 1)
    work.send(" and then", BEAM)
    work.fork(6, 0)
    work.move("undo")
    work.move("clear")
    work.send("Hello", chat=CHAT)
    work.send("", SAMPLE)
    work.send("More", chat=CHAT)
    work.move("go", 3)
    work.send("by hand", by_hand=True)
    work.write()
    work.write(" cat")
    work.write()
    return work


def test_an_afternoon_comes_back():
    work = afternoon()
    assert_same(work.restored(), work.documents)


def go_on(work):
    work.fork(3, 1)
    work.send("", SAMPLE)
    work.move("undo")
    work.move("go", 3)
    work.send("More", chat=CHAT)
    work.remove(1)
    work.send("new", by_hand=True)
    work.write(" cat")


def test_what_comes_after_is_what_would_have_come():
    work = afternoon()
    again = Recorded(work.entries.append, work.restored())
    go_on(again)
    assert_same(work.restored(), again.documents)
    work.record = [].append  # the same once more is not recorded
    go_on(work)
    assert_same(work.restored(), work.documents)


def test_undo_and_redo_lead_where_they_led():
    work = afternoon()
    state = work.restored()
    for how in ("undo", "undo", "undo", "redo", "undo", "undo", "undo", "undo", "redo"):
        work.move(how)
        getattr(state.tree, how)()
        assert_same(state, work.documents)
    assert_same(work.restored(), work.documents)


def test_what_was_written_by_hand_and_undone_goes_another_way():
    work = Recorded()
    work.send("by hand", by_hand=True)
    for _ in range(3):
        work.write()
    work.move("undo")
    work.move("undo")
    assert work.document.step_count() < len(work.tree.node(1).run.steps)
    work.send("", SAMPLE)
    assert_same(work.restored(), work.documents)


def test_another_tokenizer_reads_the_text_anew():
    work = Recorded()
    work.send("Once upon")
    work.model = OTHER
    work.send(" a time")
    state = work.restored()
    assert_same(state, work.documents)
    assert state.tree.node(2).beginning.kept == 0


def test_what_is_removed_stays_away_and_its_number_too():
    work = afternoon()
    work.move("go", 2)
    work.look_at(1)
    work.remove(2)
    assert_same(work.restored(), work.documents)
    work.send("new")
    work.remove(work.tree.cursor)
    work.send("newer")
    assert_same(work.restored(), work.documents)


def test_the_cursor_comes_back():
    work = afternoon()
    work.look_at(2)
    state = work.restored()
    assert state.position == 2
    assert_same(state, work.documents)
    work.move("go", 1)
    assert_same(work.restored(), work.documents)


def test_a_cleared_document_can_be_brought_back():
    work = Recorded()
    work.send("Once upon")
    work.move("clear")
    state = work.restored()
    assert state.cleared_from == 1
    assert_same(state, work.documents)
    work.move("restore")
    assert_same(work.restored(), work.documents)


def test_what_was_at_hand_comes_back():
    work = Recorded()
    chosen = Settings(do_sample=True, top_k=7)
    for entry in (
        PromptSent("first"),
        PromptSent("second\x1b]0;\udcff"),
        PresetChosen("greedy", Settings()),
        PresetChosen("mine", chosen, is_by_hand=True),
        ModelReady(OTHER),
        ModelReady(INFO),
        SessionNamed("an afternoon"),
    ):
        work.record(entry)
    state = work.restored()
    assert state.prompts == ["first", "second\x1b]0;\udcff"]
    assert state.preset == PresetChosen("mine", chosen, is_by_hand=True)
    assert state.model == INFO
    assert state.name == "an afternoon"


def test_what_a_run_was_written_with_comes_back():
    work = Recorded()
    old, new = ProgramStarted("1", "2", "3"), ProgramStarted("1.1", "2", "")
    work.record(old)
    work.send("Once")
    work.record(new)
    work.send(" more")
    assert work.restored().programs == {1: old, 2: new}
    work.remove(1)
    assert work.restored().programs == {}
    untold = Recorded()
    untold.send("Once")
    assert untold.restored().programs == {1: ProgramStarted("", "", "")}


@pytest.mark.parametrize("settings_", [SAMPLE, BEAM], ids=["tokens", "beams"])
def test_a_run_without_an_end_keeps_its_steps(settings_):
    work = Recorded()
    work.send("Once upon")
    work.send(" more", settings_, until=2)
    contents = read_contents(work.bytes())
    (_, node) = contents.state.tree.nodes
    assert node.run.steps == work.document.turns[-1].steps
    assert node.run.text == work.document.turns[-1].text
    assert node.run.reason == "cancelled"
    assert contents.interrupted == contents.state.documents[2][-1].finished
    assert contents.interrupted.detail == INTERRUPTED
    # Written down as its end, it is the same once more.
    work.record(contents.interrupted)
    again = read_contents(work.bytes())
    assert again.interrupted is None
    assert again.state.tree.nodes == contents.state.tree.nodes


def test_what_is_written_by_hand_is_gone_on_with_where_the_program_ended_first():
    work = Recorded()
    work.send("by hand", by_hand=True)
    work.write()
    work.write()
    assert isinstance(work.entries.pop(), Finished)
    again = Recorded(restored=work.restored())
    assert again.document.turns[-1].is_open
    assert again.document.turns[-1].finished.detail == INTERRUPTED
    for one in (work, again):
        one.write()
    assert again.document.turns[-1].token_ids == work.document.turns[-1].token_ids
    assert len(again.tree.nodes) == 1


def test_what_does_not_fit_is_told_and_changes_nothing():
    work = afternoon()
    begun = work.entries[0]
    for entry in (
        work.entries[1],
        Finished("length", (), "", 1.0),
        Moved("go", 99),
        dataclasses.replace(begun, node_id=7),
        dataclasses.replace(begun, beginning=Beginning(3, 0)),
        dataclasses.replace(begun, beginning=Beginning(ROOT, 1)),
        dataclasses.replace(begun, cut=Cut(1, (1,), "a")),
    ):
        restorer = Restorer()
        with pytest.raises(ValueError, match=r"\w"):
            restorer.take(entry)
        assert restorer.state.tree.nodes == ()
        assert restorer.state.tree.cursor == ROOT


ACTIONS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(["", "Once", " a b"]), st.integers(0, 2)),
    st.tuples(st.just("chat"), st.sampled_from(["Hi", "You"]), st.integers(0, 1)),
    st.tuples(st.just("fork"), st.integers(0, 12), st.sampled_from([0, 1, " x y"])),
    st.tuples(st.just("hand"), st.sampled_from(["", " z"]), st.integers(1, 3)),
    st.tuples(
        st.just("move"),
        st.sampled_from(["undo", "redo", "go", "clear", "restore"]),
        st.integers(0, 9),
    ),
    st.tuples(st.just("name"), st.integers(1, 9), st.sampled_from(["", "日本"])),
    st.tuples(st.just("remove"), st.integers(1, 9), st.just(0)),
    st.tuples(st.just("look"), st.integers(0, 9), st.just(0)),
)


def do(work, action, first, second):
    here = [node.node_id for node in work.tree.nodes]
    if action == "send":
        work.send(first, (None, SAMPLE, BEAM)[second] or Settings(max_new_tokens=2))
    elif action == "chat":
        work.send(first, chat=CHAT)
    elif action == "fork" and first < work.document.step_count():
        work.fork(first, second)
    elif action == "hand":
        work.send(first or "w", by_hand=True)
        for _ in range(second):
            work.write(first or None)
    elif action == "move" and (first != "go" or second in (ROOT, *here)):
        if first != "restore" or work.documents.can_restore:
            work.move(first, second if first == "go" else ROOT)
    elif action == "name" and first in here:
        work.name(first, second)
    elif action == "remove" and first in here:
        work.remove(first)
    elif action == "look":
        work.look_at(first)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=12))
def test_any_order_of_things_comes_back(actions):
    work = Recorded()
    for action in actions:
        do(work, *action)
    assert_same(work.restored(), work.documents)


def test_a_run_whose_parent_was_removed_before_the_program_ended_is_left_out():
    work = Recorded()
    work.send("Once")
    work.send(" upon", until=1)
    data = work.bytes() + line_of(entry_record(RunRemoved(1)))
    contents = read_contents(data)
    assert (contents.fault, contents.interrupted) == ("", None)
    assert not contents.state.tree.nodes
    assert not contents.state.document().turns
