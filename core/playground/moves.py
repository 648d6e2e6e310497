"""Going from one document to another: to that of any run, back and forth, to the empty one.

Must never change a document: those that were left can be gone back to.
"""

from __future__ import annotations

from core.playground.documents import Documents
from core.playground.notices import Notices
from core.playground.runs import Runs


class Moves:
    """A person's way through the documents; while something runs there is none."""

    def __init__(self, documents: Documents, runs: Runs, notices: Notices) -> None:
        self.clears_at_end = False
        """Whether the document is emptied as soon as what runs has stopped."""
        self._documents = documents
        self._runs = runs
        self._notices = notices

    def go(self, node_id: int) -> None:
        """Go to the document of any run of the tree.

        Raises:
            PlaygroundError: There is no such run.
        """
        if self._runs.allows_change():
            self._documents.go(node_id)
            self._notices.clear()

    def undo(self) -> None:
        """Go back to the document that was shown before this one."""
        if self._runs.allows_change():
            self._notices.clear()
            if not self._documents.undo():
                self._notices.say("there is nothing to undo")

    def redo(self) -> None:
        """Take back an undo."""
        if self._runs.allows_change():
            self._notices.clear()
            if not self._documents.redo():
                self._notices.say("there is nothing to redo")

    def clear(self) -> None:
        """Empty the document, stopping what runs first."""
        if self._documents.at_hand.is_running:
            self.clears_at_end = True
            self._runs.stop()
            return
        self.clears_at_end = False
        if self._documents.at_hand.turns:
            self._documents.clear()
            self._notices.say(f"cleared — {self._notices.told('clear')} again brings it back")

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self._runs.allows_change():
            self._documents.restore()
            self._notices.clear()
