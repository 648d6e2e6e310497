"""The playground without a screen: prompts in, and what comes of them, on a script."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from core.backends.downloads import DownloadService
from core.backends.scripted import SCRIPTED_MODEL, ScriptedBackend
from core.playground.changes import Changes
from core.playground.playground import Playground
from core.presets.book import Preset, PresetBook
from core.records.chat import ChatFormat
from core.records.errors import PlaygroundError
from core.records.settings import Settings

PATIENCE = 10.0
GREEDY = Preset("greedy", "f1", "", Settings(max_new_tokens=3))
SAMPLE = Preset("sample", "f2", "", Settings(do_sample=True, max_new_tokens=3))
BEAM = Preset("beam", "f3", "", Settings(num_beams=3, max_new_tokens=3))
CHAT = Preset("chat", "f4", "", Settings(max_new_tokens=3), ChatFormat("", "Q: ", "A:"))
SEEDED = Preset("seeded", "f5", "", Settings(do_sample=True, max_new_tokens=3, seed=4))
PRESETS = (GREEDY, SAMPLE, BEAM, CHAT, SEEDED)
BOOK = PresetBook(Path("presets.yaml"), PRESETS)
MODEL = SCRIPTED_MODEL
KEYS = {"clear": "ctrl+l", "dials": "alt+d", "palette": "ctrl+p", "stop": "Esc", "why": "F9"}
"""How a front end with these keys tells of its actions."""


class Played:
    """A playground on one or more scripted backends, by the names that they are asked for."""

    def __init__(self, backend=None, *, is_loaded=True, others=None, book=BOOK, **more):
        self.backend = ScriptedBackend() if backend is None else backend
        backends = {None: self.backend, **(others or {})}
        more = {"told": KEYS.__getitem__, **more}
        self.playground = Playground(lambda name: backends[name], book, **more)
        self.changes = Changes()
        self.playground.model.start()
        if is_loaded:
            self.settle()

    @property
    def document(self):
        return self.playground.document

    @property
    def notice(self):
        notice = self.playground.notices.current
        return notice.text if notice is not None else ""

    def drain(self):
        """Take over what has come; return what it changed."""
        self.changes = self.playground.drain()
        return self.changes

    def until(self, condition):
        """Drain until ``condition`` holds; return all changes in one."""
        whole = Changes()
        deadline = time.monotonic() + PATIENCE
        while True:
            one = self.drain()
            whole.add(one)
            if condition():
                return whole
            assert time.monotonic() < deadline, "the condition did not come true"
            time.sleep(0.002)

    def settle(self):
        return self.playground.wait_until_at_rest(PATIENCE)

    def run(self, prompt="", preset=None):
        """Run a prompt to its end."""
        if preset is not None:
            self.playground.next_run.pick(preset)
        assert self.playground.prompts.send(prompt)
        return self.settle()

    def close(self):
        self.playground.model.close()


def gated(**more):
    """A script whose steps wait for a semaphore, and the semaphore."""
    gate = threading.Semaphore(0)
    return ScriptedBackend(step_gate=gate, **more), gate


class Fetched(DownloadService):
    """A download that says what the test tells it to."""

    def __init__(self):
        super().__init__()
        self.events = []
        self.was_cancelled = False

    def start(self, name):
        if name == "wrong":
            raise PlaygroundError("there is no such model")

    def cancel(self):
        self.was_cancelled = True

    def drain(self):
        events, self.events = self.events, []
        return events
