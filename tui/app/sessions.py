"""The actions on sessions: all of them, a new one, and leaving without losing what is not saved.

Must never wait for a disk on the thread that paints, nor throw anything away without a question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from textual.app import App

from core.backends.background_call import BackgroundCall
from core.playground.playground import Playground
from core.records.errors import PlaygroundError
from core.sessions.folder import ListedSession, SessionsFolder, session_named
from core.sessions.opening import CLOSING, Session
from core.sessions.starting import open_and_remember
from core.text.visible import keep_start, one_line
from tui.common.awaited import Awaited
from tui.common.dialog import DialogScreen

_WRITING = 1.0
"""So many seconds, at most, are waited for what was told last, before sessions are listed."""

_SHOWN_OF_A_TEXT = 28  # cells
_LOOKS_PER_SECOND = 20


class SessionActions:
    """What can be done with sessions, where there are any."""

    def __init__(
        self,
        app: App[None],
        playground: Playground,
        folder: SessionsFolder | None,
        changed: Callable[[], None],
        give_back: Callable[[str], None],
    ) -> None:
        self._app = app
        self._playground = playground
        self._folder = folder if folder is not None else SessionsFolder()
        self._changed = changed
        self._give_back = give_back
        self._calls: Awaited[Session] = Awaited("the session could not be opened", self._take_over)

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return (
            self.sessions,
            self.new_session,
            self.quit,
        )

    def start(self) -> None:
        """Say that a session goes on, where there is something to go on with."""
        self._calls.start(self._app, _LOOKS_PER_SECOND)
        self._tell()

    def opened(self) -> None:
        """Say that another session is at hand."""
        if not self._tell():
            self._say("a new session")

    def sessions(self) -> None:
        """Show all sessions."""
        from tui.sessions.screen import Kept, SessionsScreen

        session = self._playground.keeping.session
        at_hand = session.path if session is not None else None
        kept = Kept(self._find, self._name, self._folder.delete, at_hand)
        self._app.push_screen(SessionsScreen(kept), self._left)

    def new_session(self) -> None:
        """Begin a new session."""
        self._unless_lost("begin a new session", lambda: self._open(self._folder.new_path()))

    def quit(self) -> None:
        """Leave the program."""
        self._unless_lost("leave", self._app.exit)

    def _left(self, result: Path | bool | None) -> None:
        if isinstance(result, Path):
            self._unless_lost("open another session", lambda: self._open(result))
        elif result:
            self.new_session()

    def _unless_lost(self, what: str, do: Callable[[], None]) -> None:
        """Do what ends the session at hand, after a question where something would be lost."""
        unsaved = self._playground.keeping.unsaved
        if not unsaved or isinstance(self._app.screen, _Question):
            do()
            return
        told = self._playground.told
        text = (
            f"{unsaved}.\n\nWhat came since is here alone, and ends with this; {told('save')} saves"
            " a run to a file."
        )
        self._app.push_screen(
            _Question(f"{what}, and lose it?", text, accept="loses it"),
            lambda is_accepted: do() if is_accepted else None,
        )

    def _find(self) -> Sequence[ListedSession]:
        session = self._playground.keeping.session
        if session is not None and session.journal is not None:
            session.journal.flush(_WRITING)
        return self._folder.listed()

    def _name(self, path: Path, name: str) -> None:
        session = self._playground.keeping.session
        if session is None or session.path != path:
            self._folder.name(path, name)
        elif not session.is_saved:
            raise PlaygroundError(session.unsaved or "nothing is saved in this session")
        else:
            session.record(session_named(name))

    def _open(self, path: Path) -> None:
        self._calls.ask(partial(self._opened, path))

    def _opened(self, path: Path) -> Session:
        self._playground.leaving.wait()  # it may be the one that was left just now
        return open_and_remember(self._folder, path)

    def _take_over(self, call: BackgroundCall[Session]) -> None:
        """Go on with a session that has been opened."""
        try:
            self._go_on(call.result())
        except PlaygroundError as error:
            self._app.push_screen(DialogScreen("that did not work", str(error)))

    def close(self) -> None:
        """Close a session that is being opened while the app ends, as far as it is open soon."""
        for call in self._calls.ended(CLOSING):
            with suppress(PlaygroundError):
                call.result().close()

    def _go_on(self, session: Session) -> None:
        prompt = self._playground.open(session)
        if prompt is not None:
            self._give_back(prompt)
        self._changed()

    def _tell(self) -> bool:
        session = self._playground.keeping.session
        if session is None:
            return False
        state, told = session.state, self._playground.told
        if not state.tree.nodes and not state.prompts:
            return False
        words = state.name or next((one for one in state.prompts if one.strip()), "")
        called = f"“{keep_start(one_line(words), _SHOWN_OF_A_TEXT)}”" if words else "this session"
        new, doing = told("new_session"), "going on with" if session.is_saved else "looking at"
        self._say(f"{doing} {called} — {new} begins a new session")
        return True

    def _say(self, sentence: str) -> None:
        """Tell something before what is told already, which nobody has seen yet."""
        notices = self._playground.notices
        if notices.current is None:
            notices.say(sentence)
        else:
            notices.warn(f"{sentence}; {notices.current.text}")


class _Question(DialogScreen):
    """Asked before something is lost; whoever asks for the same again means it."""
