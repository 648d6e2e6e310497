"""When the main page is painted: what the worker brought, and what a person changed.

Must never decide what is shown: the playground holds it, and the main page draws it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.app import App
from textual.timer import Timer

from core.playground.model_state import Clock
from core.playground.playground import Playground
from tui.common.dialog import DialogScreen
from tui.main.screen import MainScreen

DRAINS_PER_SECOND = 40
"""How often it is looked for events while something runs, as far as another frame is due."""

FRAME_INTERVAL = 0.1
"""The least time between two frames of a run, in seconds: numbers that change sooner can't be read.

Model and screen share one interpreter, so that a frame is some steps of a fast model not taken.
"""

STATUS_INTERVAL = 0.25
"""The least time between two status lines, in seconds, unless something began or ended."""


class Painting:
    """Drains the playground while it is busy, and has the main page painted when it is due."""

    def __init__(
        self, app: App[None], main: MainScreen, playground: Playground, clock: Clock
    ) -> None:
        self._app = app
        self._main = main
        self._playground = playground
        self._clock = clock
        self._status_due = 0.0
        self._frame_due = 0.0
        self._drain_timer: Timer | None = None
        self.opened: Callable[[], None] = lambda: None
        """Called when another session is at hand, before it is painted."""

    def start(self) -> None:
        """Make the timer, for which the app must run; it rests until something changes."""
        self._drain_timer = self._app.set_interval(1 / DRAINS_PER_SECOND, self._drain, pause=True)

    def changed(self) -> None:
        """Paint after something a person did, and listen if there is something to hear."""
        if not self._app.is_running:
            return
        self._frame_due = 0.0  # what answers a person does not wait
        self._main.paint(self._playground)
        self.paint_status()
        self._main.refresh_bindings()
        self.listen()

    def listen(self) -> None:
        """Have what has come taken over soon, if there is something to hear."""
        if self._must_drain and self._drain_timer is not None:
            self._drain_timer.resume()

    def paint_status(self, *, is_due: bool = True) -> None:
        """Bring the status line up to date, or only if that was long ago."""
        now = self._clock()
        if is_due or now >= self._status_due:
            self._status_due = now + STATUS_INTERVAL
            self._main.paint_status(self._playground)

    def _drain(self) -> None:
        """Take over what the worker brought, and paint it once."""
        if not self._app.is_running:  # it ends: the widgets go before the timer does
            return
        now = time.monotonic()
        if now < self._frame_due:
            return
        changes = self._playground.drain()
        if changes.opened:
            self._main.prompt.recall(self._playground.prompts.sent)
            self.opened()
        if changes.returned_prompt is not None:
            self._main.prompt.give_back(changes.returned_prompt)
        if changes.anything:
            self._frame_due = now + FRAME_INTERVAL
            self._main.paint(self._playground)
        self.paint_status(is_due=changes.keys)
        if changes.keys:
            self._main.refresh_bindings()
        is_refused = changes.returned_prompt is not None and not changes.owed
        failure = changes.failure or self._unreadable(is_meant=is_refused)
        if failure:
            self._app.push_screen(DialogScreen("that did not work", failure))
        elif news := self._unreadable(is_meant=changes.owed):
            self._app.push_screen(DialogScreen("before you go on", news))
        if not self._must_drain and self._drain_timer is not None:
            self._drain_timer.pause()

    @property
    def _must_drain(self) -> bool:
        """Whether there is something to hear, if only that a disk is full."""
        return self._playground.is_busy or self._playground.keeping.is_writing

    def _unreadable(self, *, is_meant: bool) -> str:
        """Return the notice, if it must not be missed and the status line has no room for it."""
        notice = self._playground.notices.current
        if not is_meant or notice is None:
            return ""
        return "" if self._main.has_room_for(notice.text) else notice.text
