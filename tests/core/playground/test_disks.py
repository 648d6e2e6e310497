"""Disks that fill up or do not answer: nobody waits for them, and what is not saved is told."""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest

from core.sessions.opening import open_session
from tests.core.playground.played import BEAM, GREEDY, PATIENCE, Played
from tests.core.playground.test_keeping import opened, state_in


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB, where this user may have one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)]
    try:
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
    except FileNotFoundError:
        pytest.skip("nothing mounts here")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root mounts")
def test_a_disk_that_fills_up_is_told_once_and_all_goes_on_in_memory(small_disk):
    path = small_disk / "sessions" / "a.jsonl"
    one, told = opened(path), []
    while not told or len(told[0]) != len(one.notice):
        one.run("word " * 4000, GREEDY)
        one.playground.keeping.session.journal.flush(PATIENCE)
        one.settle()
        if "no longer saved" in one.notice:
            told.append(one.notice)
            break
        assert len(one.playground.documents.tree.nodes) < 60
    assert told[0].endswith("the session is no longer saved: No space left on device")
    one.run(" and on", BEAM)
    one.run(" and on", GREEDY)
    assert "no longer saved" not in one.notice
    nodes = one.playground.documents.tree.nodes
    assert one.document.turns[-1].node_id == nodes[-1].node_id
    assert "No space left" in one.playground.keeping.unsaved
    assert not one.playground.close()

    assert [child.name for child in path.parent.iterdir()] == ["a.jsonl"]
    kept = state_in(path).tree.nodes
    assert 2 < len(kept) < len(nodes)
    assert [node.beginning for node in kept] == [node.beginning for node in nodes[: len(kept)]]
    session = open_session(path)  # nor is it lost when it is opened on the full disk
    assert len(session.state.tree.nodes) == len(kept)
    session.close()


def test_a_disk_that_does_not_answer_holds_nobody_up(tmp_path, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda handle: answers.wait(PATIENCE))
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    one = opened(first)

    def run(prompt):
        assert one.playground.prompts.send(prompt)
        one.until(lambda: one.document.turns and not one.document.is_running)

    began = time.monotonic()
    run("Once")
    one.playground.cursor.look_at(1)
    run(" upon")
    one.playground.open(open_session(second))
    one.drain()
    assert not one.document.turns, "another session is at hand at once"
    run("Another")
    assert not one.playground.close(0.1)
    assert time.monotonic() - began < PATIENCE / 2
    assert one.playground.leaving.is_busy
    assert one.playground.keeping.is_writing
    answers.set()
    assert one.playground.close(PATIENCE), "whoever waits again hears that all is saved"
    assert [len(state_in(path).tree.nodes) for path in (first, second)] == [2, 1]


def test_a_session_that_was_left_and_could_not_be_saved_is_told(tmp_path, monkeypatch):
    one = Played(session=open_session(tmp_path / "a.jsonl"))
    one.run("Once")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.sessions.appending.LineFile.append", full)
    assert one.playground.prompts.send(" upon")
    one.playground.open(open_session(tmp_path / "b.jsonl"))
    one.until(lambda: "not saved to its end" in one.notice)
    one.playground.close()
