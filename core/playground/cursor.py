"""The step that is looked at, along the document at hand.

Must never change the document but for its cursor.
"""

from __future__ import annotations

from collections.abc import Callable

from core.playground.documents import Documents
from core.sessions.entries import Entry, StepLookedAt


class Cursor:
    """Moves the cursor of the document at hand, and tells ``record`` where it is then."""

    def __init__(self, documents: Documents, record: Callable[[Entry], None]) -> None:
        self._documents = documents
        self._record = record

    def move(self, offset: int) -> None:
        """Look at an earlier or a later step; see ``Document.move_cursor``."""
        self._move(lambda: self._documents.at_hand.move_cursor(offset))

    def look_at(self, position: int) -> None:
        """Look at the step at ``position`` of all steps; see ``Document.look_at``."""
        self._move(lambda: self._documents.at_hand.look_at(position))

    def hold(self) -> None:
        """Stay at the selected step; see ``Document.hold_cursor``."""
        self._move(self._documents.at_hand.hold_cursor)

    def let_go(self) -> None:
        """Look at the token to come again; see ``Document.let_go``."""
        self._move(self._documents.at_hand.let_go)

    def _move(self, move: Callable[[], None]) -> None:
        document = self._documents.at_hand
        before = document.cursor
        move()
        if document.cursor != before:
            self._record(StepLookedAt(document.cursor))
