"""Sessions as a list would find them, made up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from core.sessions.folder import ListedSession
from core.sessions.header import Header
from core.sessions.summary import Summary
from tests.tui.screen_app import HOSTILE, ScreenApp
from tui.sessions.screen import Kept, SessionsScreen

FOLDER = Path("/home/ada/.local/share/gpt2-playground/sessions")
HEADER = Header((1, 0), "0.1.0", "2026-11-30T09:00:00+00:00", "abc")
MONDAY = datetime(2026, 11, 30, 9, 30).timestamp()


def session(file, words="", name="", model="demo", runs=1, size=20_000, days=0, fault=""):
    summary = Summary(name, words, model, runs)
    header = None if fault else HEADER
    return ListedSession(
        FOLDER / f"{file}.jsonl", size, MONDAY - days * 86400, header, summary, fault
    )


SESSIONS = (
    session("20261130-093000-a1b2c3", "A long long time ago, in a land", runs=12, size=1_234_567),
    session("20261129-180000-0f0f0f", "Once upon", "the lesson of Monday", "gpt2-xl", 3, days=1),
    session("20261101-080000-1a1a1a", "The quick brown fox jumps over the lazy dog. " * 4, days=29),
    session("odd", HOSTILE, HOSTILE, HOSTILE, 2, 999, days=40),
    session("other", runs=0, days=300, fault="it is no session of this program"),
)  # fmt: skip


class Opened:
    """The page in an app, and what it was told to do."""

    def __init__(self, sessions=SESSIONS, *, refusal=None, is_light=False, at_hand=0):
        self.sessions = list(sessions)
        self.done = []
        self._refusal = refusal
        path = self.sessions[at_hand].path if self.sessions else FOLDER / "new.jsonl"
        self.screen = SessionsScreen(Kept(self._find, self._name, self._delete, path))
        self.app = ScreenApp(self.screen, is_light=is_light)

    def _find(self):
        if isinstance(self._refusal, tuple):
            raise self._refusal[0]
        return tuple(self.sessions)

    def _name(self, path, name):
        self._act("name", path, name)

    def _delete(self, path):
        self._act("delete", path)
        self.sessions = [one for one in self.sessions if one.path != path]

    def _act(self, *done):
        if self._refusal is not None:
            raise self._refusal
        self.done.append(done)

    @property
    def given(self):
        return self.app.given
