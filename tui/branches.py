"""The history behind the app: which document each run led to, and the way back to it.

Must never touch a widget or the model's thread, and never re-encodes text: documents are kept as
they were.
"""

from __future__ import annotations

from core.history import History
from core.history_records import ROOT, Branch, ModelRef, RunFacts
from core.logits_store import LogitsStore, RecordedRun, RunRecorder
from core.session import Session, Turn


class Branches:
    """Every finished run as a node of the tree, with its document and its recorded logits."""

    def __init__(self) -> None:
        self.history = History()
        self.store = LogitsStore()
        self._documents: dict[int, tuple[Turn, ...]] = {ROOT: ()}
        self._runs = 0

    def recorder(self, turn: Turn) -> RunRecorder:
        """Return what a request takes along so that ``turn`` can be explained later."""
        self._runs += 1
        turn.key = f"run {self._runs}"
        return self.store.recorder(turn.key)

    def recorded(self, turn: Turn) -> RecordedRun | None:
        """Return the recorded logits of ``turn``, ``None`` where there are none."""
        return self.store.run(turn.key) if turn.key else None

    def add(self, session: Session) -> None:
        """Append the run that has just finished, the last turn of ``session``."""
        turn = session.turns[-1]
        started, finished = turn.started, turn.finished
        if started is None or finished is None:
            return
        inserted = turn.prompt or (turn.inserted.text if turn.inserted is not None else "")
        run = RunFacts(
            turn.preset_name,
            turn.settings,
            started.seed,
            ModelRef(turn.model_name, turn.tokenizer_fingerprint),
            turn.token_ids,
            turn.text,
            finished.reason,
            tuple(turn.steps),
        )
        node = self.history.add(self._branch(turn, started.context_token_ids, inserted), run)
        turn.node_id = node.node_id
        self._documents[node.node_id] = tuple(session.turns)

    def go(self, node_id: int) -> Session:
        """Move the cursor to a run and return its document.

        Raises:
            PlaygroundError: There is no such run.
        """
        self.history.move(node_id)
        return self._document()

    def undo(self) -> Session | None:
        """Go back to the document before the last run; ``None`` where there is none."""
        return self._document() if self.history.undo() else None

    def redo(self) -> Session | None:
        """Take back an undo; ``None`` where there is nothing to redo."""
        return self._document() if self.history.redo() else None

    def _document(self) -> Session:
        return Session(self._documents[self.history.cursor])

    def _branch(self, turn: Turn, context: tuple[int, ...], inserted: str) -> Branch:
        parent = self.history.cursor
        if parent != ROOT:
            before = self.history.node(parent).run.model
            if before.tokenizer_fingerprint != turn.tokenizer_fingerprint:
                return Branch(parent, 0, context, inserted)  # ids of another vocabulary
        return self.history.branch_to(parent, context, inserted)
