"""A session with attacks on the terminal wherever it may have a text."""

from __future__ import annotations

import dataclasses

from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.presets.book import Preset, PresetBook
from core.records.settings import Settings
from core.sessions.entries import RunNamed, SessionNamed
from core.sessions.opening import open_session
from tests.attacks import ATTACKS
from tests.core.playground.played import Played


def hostile_backend():
    every = "".join(ATTACKS.values())
    names = ("name", "device", "dtype", "engine", "placement", "note", "revision")
    info = dataclasses.replace(SCRIPTED_MODEL, **dict.fromkeys(names, every))
    return ScriptedBackend(tuple(ATTACKS.values()), info=info)


def hostile_session(path):
    """Write a session with attacks wherever it may have a text, halves of characters too."""
    every = "".join(ATTACKS.values())
    session = open_session(path)
    book = PresetBook(
        path,
        (
            Preset(every, "f1", every, Settings(max_new_tokens=60)),
            Preset(f"2{every}", "f2", every, Settings(num_beams=5, max_new_tokens=9)),
        ),
    )
    one = Played(hostile_backend(), session=session, book=book)
    one.run(every, book.presets[1])
    session.record(RunNamed(1, "[/b][@click=app.quit]x[/]"))
    session.record(SessionNamed("[/b][@click=app.quit]x[/]"))
    one.run(every, book.presets[0])
    assert one.playground.close()
