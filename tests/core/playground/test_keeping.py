"""A playground with a session: what was done is there again, and what is not kept is told."""

from __future__ import annotations

import dataclasses
import itertools
import secrets
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.backends.scripted import ScriptedBackend
from core.document.tree_records import ROOT
from core.playground.keeping import model_left_with, other_model
from core.presets.book import CHANGED, PresetBook
from core.records.errors import PlaygroundError
from core.sessions.opening import open_session
from core.sessions.reading import read_contents
from tests.core.playground.played import (
    BEAM,
    BOOK,
    CHAT,
    GREEDY,
    MODEL,
    PRESETS,
    SAMPLE,
    SEEDED,
    Played,
)
from tests.core.sessions.recorded import assert_same

NUMBER = itertools.count()


def opened(path, **more):
    return Played(session=open_session(path), **more)


def state_in(path):
    contents = read_contents(path.read_bytes())
    assert contents.fault == ""
    return contents.state


def assert_same_again(path, playground):
    """Make sure that the file leads to where ``playground`` is."""
    state = state_in(path)
    assert_same(state, playground.documents)
    assert state.prompts == playground.prompts.sent
    assert state.preset == playground.next_run._chosen
    assert state.model == playground.model.info


def afternoon(one):
    """All kinds of things, on a script."""
    playground = one.playground
    one.run("Once", GREEDY)
    one.run("", SAMPLE)
    playground.cursor.look_at(1)
    playground.by_hand.take(2)
    one.settle()
    playground.documents.rename(2, "the second")
    one.run(" and then", BEAM)
    playground.moves.undo()
    playground.moves.clear()
    one.run("Hello", CHAT)
    one.run("")
    playground.moves.go(1)
    one.run(" again", SEEDED)
    playground.by_hand.toggle()
    one.settle()
    playground.by_hand.choose(3)
    one.settle()
    playground.by_hand.choose(2)
    one.settle()
    playground.moves.undo()
    playground.documents.remove(playground.documents.tree.plan_removal(2))
    playground.cursor.look_at(2)


def test_an_afternoon_is_there_again_and_goes_on(tmp_path):
    path = tmp_path / "one.jsonl"
    one = opened(path, seed=9)
    afternoon(one)
    assert one.playground.close()
    assert_same_again(path, one.playground)
    again = opened(path)
    playground = again.playground
    assert again.notice == ""
    assert playground.document.text == one.document.text
    assert playground.document.cursor == one.document.cursor == 2
    assert playground.next_run.is_by_hand
    assert (playground.next_run.preset, playground.next_run.seed) == (SEEDED, 9)
    assert playground.prompts.sent == ["Once", " and then", "Hello", " again"]
    playground.moves.redo()
    playground.by_hand.toggle()
    again.run(" more", GREEDY)
    assert playground.close()
    assert_same_again(path, playground)


def test_a_prompt_that_waited_is_given_back_once(tmp_path):
    """Not run at once: it may be what ended the program."""
    path = tmp_path / "one.jsonl"
    one = opened(path, is_loaded=False)
    assert one.playground.prompts.send("Once upon")
    one.playground.keeping.session.journal.flush(9)
    assert state_in(path).waiting == "Once upon"
    killed = tmp_path / "killed.jsonl"
    killed.write_bytes(path.read_bytes())
    one.settle()
    assert one.document.turns, "it runs when the model is there"
    one.playground.close()
    assert state_in(path).waiting == ""

    again = opened(killed, is_loaded=False)
    assert again.until(lambda: again.notice).returned_prompt == "Once upon"
    assert "this prompt has not run yet" in again.notice
    assert again.settle().returned_prompt is None
    assert not again.document.turns
    assert again.playground.prompts.sent == ["Once upon"]
    again.playground.close()
    assert state_in(killed).waiting == ""


def test_without_a_session_no_file_is_written(tmp_path, monkeypatch, play):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    one = play()
    afternoon(one)
    assert one.playground.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_never_begins_leaves_what_was_there(tmp_path):
    path = tmp_path / "one.jsonl"

    class Refusing(ScriptedBackend):
        def generate(self, request, is_cancelled):
            if request.prompt == "no":
                raise PlaygroundError("it cannot be run")
            return super().generate(request, is_cancelled)

    one = opened(path, backend=Refusing())
    one.run("Once")
    one.playground.cursor.look_at(0)
    one.run("no")
    assert (one.notice, one.document.text) == ("it cannot be run", "Once far, away")
    one.playground.moves.clear()
    one.run("no")
    assert one.playground.documents.can_restore
    one.playground.close()
    assert_same_again(path, one.playground)


def test_what_runs_while_the_program_ends_is_kept_as_far_as_it_came(tmp_path):
    path = tmp_path / "one.jsonl"
    one = opened(path)
    one.playground.prompts.send("Once")
    assert one.playground.close()
    assert_same(state_in(path), one.playground.documents)
    assert len(state_in(path).tree.nodes) <= 1


def test_a_second_program_says_so_and_leaves_the_session_alone(tmp_path):
    path = tmp_path / "one.jsonl"
    first = opened(path)
    first.run("Once")
    first.playground.keeping.session.journal.flush(9)
    second = opened(path)
    assert "is open to look at, and nothing new is saved in it" in second.notice
    assert second.document.text == "Once far, away"
    second.run(" more")
    second.playground.close()
    first.run(" and")
    first.playground.close()
    assert_same_again(path, first.playground)
    assert len(state_in(path).tree.nodes) == 2


def test_a_full_disk_is_told_once_and_the_session_goes_on_in_memory(tmp_path):
    path = tmp_path / "one.jsonl"
    one = Played(session=open_session(path, largest=20_000))
    notices = []
    for _ in range(10):
        one.run(" on")
        one.playground.keeping.session.journal.flush(9)
        one.settle()  # what there is to tell keeps a playground busy
        notices.append(one.notice)
    told = [notice for notice in notices if notice]
    assert len(told) == 1
    assert told[0].startswith("the session is no longer saved: it has the 20,000 bytes")
    assert len(one.playground.documents.tree.nodes) == 10
    assert not one.playground.close()
    assert 0 < len(state_in(path).tree.nodes) < 10


def test_what_the_opening_has_to_tell_is_not_hidden_by_what_comes_first(tmp_path):
    path = tmp_path / "one.jsonl"
    one = opened(path)
    one.run("Once")
    one.playground.close()
    path.write_bytes(path.read_bytes() + b'{"type":"st')
    again = Played(session=open_session(path), is_loaded=False)
    again.playground.prompts.send(" more")
    again.settle()
    assert "its last line is not whole" in again.notice
    again.playground.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "other"}, "'scripted' then, 'other' now"),
        ({"revision": "abc"}, "'scripted' has another revision now"),
        ({"dtype": "bfloat16"}, "float32 then, bfloat16 now"),
        (
            {"name": "other", "tokenizer_fingerprint": "x"},
            "'scripted' then, 'other' now; its tokens are not those of before",
        ),
    ],
)
def test_another_model_is_told_and_reads_on(tmp_path, change, words):
    path = tmp_path / "one.jsonl"
    one = opened(path)
    one.run("Once")
    one.playground.close()
    info = dataclasses.replace(MODEL, **change)
    again = opened(path, backend=ScriptedBackend(info=info))
    assert again.notice == f"this session goes on with another model: {words}"
    again.run(" more")
    node = again.playground.documents.tree.nodes[-1]
    assert node.beginning.kept == (0 if "tokenizer_fingerprint" in change else 4)
    again.playground.close()
    assert_same_again(path, again.playground)
    third = opened(path, backend=ScriptedBackend(info=info))
    assert third.notice == ""
    third.playground.close()


def test_what_stands_in_for_a_model_that_is_gone_is_not_what_the_session_is_left_with(tmp_path):
    path = tmp_path / "one.jsonl"
    one = opened(path)
    one.run("Once")
    one.playground.close()
    there = dataclasses.replace(MODEL, name="demo", stands_in_for="gpt2-xl")
    again = opened(path, backend=ScriptedBackend(info=there))
    again.run(" more")
    again.playground.close()
    assert model_left_with(state_in(path)) == MODEL.name
    assert state_in(path).documents[2][-1].model == there


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"weights_fingerprint": "def"}, "'scripted' has other weights now"),
        ({"weights_fingerprint": "def", "name": "b"}, "'scripted' then, 'b' now"),
        ({"weights_fingerprint": ""}, ""),
        ({"name": "/moved/here"}, ""),
        ({"name": "/moved/here", "dtype": "int8"}, "float32 then, int8 now"),
    ],
)
def test_a_model_is_the_same_where_its_weights_are_whatever_it_is_called(change, difference):
    then = dataclasses.replace(MODEL, weights_fingerprint="abc", dtype="float32")
    assert other_model(then, dataclasses.replace(then, **change)) == difference


def test_a_preset_that_has_changed_is_used_as_it_was_until_another_is_picked(tmp_path):
    path = tmp_path / "one.jsonl"
    one = opened(path, preset_name="sample")
    one.run("Once")
    one.playground.close()
    changed = dataclasses.replace(SAMPLE, settings=GREEDY.settings)
    book = PresetBook(BOOK.path, tuple(changed if p is SAMPLE else p for p in PRESETS))
    again = opened(path, book=book)
    assert again.notice == "sample* has the settings that this session left it with"
    assert again.playground.next_run.settings == SAMPLE.settings
    assert again.playground.next_run.preset_name == "sample" + CHANGED
    again.playground.next_run.pick(changed)
    again.playground.close()
    third = opened(path, book=book)
    assert (third.notice, third.playground.next_run.preset) == ("", changed)
    third.playground.close()
    fourth = opened(path, book=book, preset_name="greedy", seed=3)
    assert (fourth.playground.next_run.preset, fourth.playground.next_run.seed) == (GREEDY, 3)
    fourth.playground.close()


ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from(["", "Once", " a b"]), st.sampled_from(PRESETS)),
    st.tuples(st.just("take"), st.integers(0, 9), st.integers(1, 3)),
    st.tuples(st.just("hand"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("toggle"), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["undo", "redo", "clear", "restore"]), st.just(0), st.just(0)),
    st.tuples(st.just("go"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("name"), st.integers(1, 6), st.sampled_from(["", "日本"])),
    st.tuples(st.just("remove"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("look"), st.integers(0, 9), st.just(0)),
)


def do(one, action, first, second):
    playground = one.playground
    here = [node.node_id for node in playground.documents.tree.nodes]
    if action == "run":
        playground.next_run.pick(second)
        playground.prompts.send(first)
    elif action == "take":
        playground.cursor.look_at(first)
        playground.by_hand.take(second)
    elif action == "hand" and playground.next_run.is_by_hand and playground.document.turns:
        playground.by_hand.choose(first)
    elif action == "toggle":
        playground.by_hand.toggle()
    elif action == "go" and first in (ROOT, *here):
        playground.moves.go(first)
    elif action == "name" and first in here:
        playground.documents.rename(first, second)
    elif action == "remove" and first in here:
        playground.documents.remove(playground.documents.tree.plan_removal(first))
    elif action == "look":
        playground.cursor.look_at(first)
    elif action in ("undo", "redo", "clear", "restore"):
        getattr(playground.moves, action)()
    one.settle()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ACTIONS, max_size=10), st.lists(ACTIONS, max_size=4))
def test_any_afternoon_is_there_again_and_goes_on_as_it_would_have(tmp_path, actions, later):
    path = tmp_path / f"{next(NUMBER)}.jsonl"
    kept, plain = opened(path), Played()
    for action in actions:
        do(kept, *action)
        do(plain, *action)
    kept.playground.close()
    if path.exists():  # something was done
        assert_same_again(path, kept.playground)
        kept = opened(path)
        for action in later:
            do(kept, *action)
            do(plain, *action)
        kept.playground.close()
        assert_same_again(path, kept.playground)
        assert kept.document.text == plain.document.text
        same = (kept.playground.documents.tree.nodes, plain.playground.documents.tree.nodes)
        assert [node.beginning for node in same[0]] == [node.beginning for node in same[1]]
        assert [node.run.token_ids for node in same[0]] == [node.run.token_ids for node in same[1]]
    plain.close()


DRIVEN = """
import itertools, sys, time
from pathlib import Path
from core.sessions.opening import open_session
from tests.core.playground.played import PRESETS, Played

one = Played(session=open_session(Path(sys.argv[1])))
playground, tree = one.playground, one.playground.documents.tree
print("begun", flush=True)
for number in itertools.count():
    one.run(" on" * (number % 3), PRESETS[number % 3])
    playground.cursor.look_at(number % 7)
    playground.by_hand.take(2)
    one.settle()
    playground.documents.rename(tree.next_id - 1, f"{number}")
    if number % 5 == 4:
        playground.documents.remove(tree.plan_removal(tree.nodes[0].node_id))
    if number % 4 == 3:
        playground.moves.undo()
    print(time.monotonic(), tree.next_id, flush=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="clocks of two programs")
def test_killed_at_any_moment_it_opens_again_with_all_but_the_last_second(tmp_path):
    path = tmp_path / "one.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", DRIVEN, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as driven:
        assert driven.stdout.readline() == "begun\n"
        time.sleep(1.0 + secrets.randbelow(700) / 1000)
        driven.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        lines = [line.split() for line in driven.stdout if line.endswith("\n")]
    told = [int(next_id) for at, next_id in lines if float(at) < killed - 1.0]
    assert driven.returncode == -signal.SIGKILL
    one = opened(path)
    assert one.playground.documents.tree.next_id >= max(told, default=0)
    one.run(" and on", GREEDY)
    assert one.playground.close()
    assert_same_again(path, one.playground)
