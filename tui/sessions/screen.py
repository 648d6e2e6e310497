"""All sessions, the one written last first: to open, name and delete them, or begin a new one.

Must never do any of that itself, nor wait for a disk: it is told how, and looks on a thread. No
session's words go through markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen

from core.backends.background_call import BackgroundCall
from core.document.tree_records import LONGEST_NAME
from core.models.listing import format_bytes
from core.records.errors import PlaygroundError
from core.sessions.folder import ListedSession
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.dialog import DialogScreen
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import visible_prose
from tui.inputs.screen import InputScreen
from tui.sessions.rows import details, empty_rows, head_row, session_row, title

_LOOKS_PER_SECOND = 20


class Kept(NamedTuple):
    """What the page is handed: all on sessions that it does not do itself.

    Args:
        find: Returns all sessions; called on a thread of its own, for disks are slow.
        name: Names one; called on a thread of its own too.
        delete: Deletes one for good; the same.
        at_hand: The session that is open.
    """

    find: Callable[[], Sequence[ListedSession]]
    name: Callable[[Path, str], None]
    delete: Callable[[Path], None]
    at_hand: Path | None


class SessionsScreen(Screen[Path | bool | None]):
    """Gives the session that is to be opened, ``True`` for a new one, or ``None``."""

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - textual declares it
    PAGE = "sessions"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self._kept = kept
        self._sessions: Sequence[ListedSession] | None = None
        self._call: BackgroundCall[Sequence[ListedSession]] | None = None
        self._pick: Path | None = None
        self._deleting: Path | None = None
        self._said = ""
        self._said_of: Path | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield LinesView(id="sessions-title")
        yield LinesView(id="sessions-head")
        yield RowPicker(id="sessions-rows")
        with Vertical(id="sessions-details"):
            yield LinesView(id="session-details")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Look what there is, without holding the screen up."""
        self.query_one(RowPicker).focus()
        self.call_after_refresh(self._draw)
        self.set_interval(1 / _LOOKS_PER_SECOND, self._take_over)
        self._look(self._kept.at_hand)

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._draw)

    @property
    def picked(self) -> ListedSession | None:
        """The session that is picked."""
        index = self.query_one(RowPicker).picked
        sessions = self._sessions or ()
        return sessions[index] if index < len(sessions) else None

    def _look(self, pick: Path | None) -> None:
        """Look what there is; the session ``pick`` is picked then."""
        self._pick = pick
        self._call = BackgroundCall(self._kept.find, "the sessions could not be listed")

    def _take_over(self) -> None:
        """Show what was found; on a timer, which ends with the page."""
        call = self._call
        if call is None or not call.is_done:
            return
        self._call = self._deleting = None
        try:
            self._show(call.result(), "")
        except PlaygroundError as error:
            self._pick = self.picked.path if self.picked is not None else None
            self._show(self._sessions or (), str(error))

    def _show(self, sessions: Sequence[ListedSession], refusal: str) -> None:
        self._sessions = sessions
        self._draw()
        paths = [one.path for one in sessions]
        if self._pick in paths:
            self.query_one(RowPicker).pick_row(paths.index(self._pick))
        self._say(refusal)
        self._draw_details()

    def _draw(self) -> None:
        picker = self.query_one(RowPicker)
        width = picker.scrollable_content_region.width
        if not width:
            return
        sessions = self._sessions or ()
        rows = [
            session_row(one, width, is_at_hand=one.path == self._kept.at_hand) for one in sessions
        ]
        picker.show_rows(rows)
        self.query_one("#sessions-head", LinesView).update_rows([head_row(width)])
        self._draw_details()

    def _draw_details(self) -> None:
        box = self.query_one("#sessions-details")
        view = self.query_one("#session-details", LinesView)
        session, (width, height) = self.picked, view.size
        if session is not None:
            box.border_title = Content(title(session))
            view.update_rows(details(session, width, height))
        else:
            box.border_title = None
            view.update_rows([] if self._sessions is None else empty_rows(width))
        self._draw_title()

    def _draw_title(self) -> None:
        row: Row = [(" sessions", "bold " + CHOSEN)]
        if self._sessions is None:
            row.append(("  looking…", DIM))
        else:
            size = format_bytes(sum(one.size for one in self._sessions))
            row.append((f"  {len(self._sessions):,}", NUMBER))
            row.append((f" · {size}", DIM))
        if self._said:
            row.append((f"  {visible_prose(self._said)}", "$text-warning"))
        self.query_one("#sessions-title", LinesView).update_rows([row])

    def _say(self, sentence: str) -> None:
        """Tell something until another session is picked."""
        self._said = sentence
        self._said_of = self.picked.path if self.picked is not None else None
        self._draw_title()

    @on(RowPicker.Moved)
    def _moved(self) -> None:
        if self.picked is None or self.picked.path != self._said_of:
            self._said = ""
        self._draw_details()

    @on(RowPicker.Picked)
    def _chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Open the picked session, and close."""
        session = self.picked
        if session is None:
            self._say("there is none to open")
        elif session.path == self._kept.at_hand:
            self.dismiss(None)
        elif session.path == self._deleting:
            self._say("it is being deleted")
        elif session.fault:
            self._say(f"it cannot be opened: {session.fault}")
        else:
            self.dismiss(session.path)

    def action_new(self) -> None:
        """Begin a new session, and close."""
        self.dismiss(True)

    def action_name(self) -> None:
        """Name the picked session."""
        session = self.picked
        if session is None:
            self._say("there is none to name")
            return
        self.app.push_screen(
            InputScreen(
                "name this session",
                lambda name: partial(self._kept.name, session.path, name),
                hint=f"one line, at most {LONGEST_NAME} characters; nothing takes the name away",
                accept="names it",
                value=session.summary.name,
            ),
            lambda was_taken: self._named(session.path) if was_taken else None,
        )

    def _named(self, path: Path) -> None:
        self._look(path)

    def action_delete(self) -> None:
        """Delete the picked session, after a question."""
        session = self.picked
        if session is None:
            self._say("there is none to delete")
            return
        if self._deleting is not None:
            self._say("another is being deleted; the disk has not answered yet")
            return
        if session.path == self._kept.at_hand:
            self._say("it is open: begin a new one first, then delete it")
            return
        runs = f"{session.summary.runs:,} {'run' if session.summary.runs == 1 else 'runs'}"
        what = "its file" if session.fault else f"its {runs}"
        self.app.push_screen(
            DialogScreen(
                "delete it for good?",
                f"“{title(session)}” and {what}: nothing brings it back.",
                accept="deletes",
            ),
            lambda is_accepted: self._delete(session) if is_accepted else None,
        )

    def _delete(self, session: ListedSession) -> None:
        sessions = self._sessions or ()
        paths = [one.path for one in sessions]
        at = paths.index(session.path) if session.path in paths else 0
        left = paths[:at] + paths[at + 1 :]
        self._pick = left[min(at, len(left) - 1)] if left else None
        self._deleting = session.path

        def delete() -> Sequence[ListedSession]:
            self._kept.delete(session.path)
            return self._kept.find()

        self._call = BackgroundCall(delete, "the session could not be deleted")
        self._say("deleting…")

    def action_close(self) -> None:
        """Go back to the session at hand."""
        self.dismiss(None)
