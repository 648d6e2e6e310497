"""A disk that has not answered when the app has ended: it is waited for, and one sees for what."""

from __future__ import annotations

import os
import threading

from core.playground.keeping import Keeping
from core.playground.notices import Notices
from core.sessions.entries import PromptSent
from core.sessions.opening import open_session
from tui.cli import open_app

PATIENCE = 10.0


def test_it_is_waited_for_within_a_bound(tmp_path, monkeypatch, capsys):
    answers = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda handle: answers.wait(PATIENCE))
    keeping = Keeping(open_session(tmp_path / "a.jsonl"), Notices())
    keeping.record(PromptSent("Once upon"))
    assert not keeping.close(0.1)
    monkeypatch.setattr(open_app, "CLOSING", 0.1)
    open_app._save_late(keeping)
    waiting = "waiting for the disk to take the session, 0.1 s at most\n"
    lost = "the session is not saved to its end; the disk does not answer\n"
    assert capsys.readouterr().err == f"gpt2-playground: {waiting}gpt2-playground: {lost}"

    monkeypatch.setattr(open_app, "CLOSING", PATIENCE)
    threading.Timer(0.2, answers.set).start()
    open_app._save_late(keeping)
    assert "not saved" not in capsys.readouterr().err
