"""The documents: the one at hand, and that of every run of the tree, to which one can go back.

Must never touch a widget or the model's thread, and never re-encodes text: documents are kept as
they were.
"""

from __future__ import annotations

import dataclasses

from core.document.document import Turn
from core.document.tree_records import ROOT, Branch, RunFacts
from core.looking_back.logits_store import LogitsStore
from core.playground.document_text import TokenText
from core.records.recorded_run import RunRecorder
from core.records.steps import Hypothesis
from core.sessions.entries import Entry, run_begun
from core.sessions.restoring import Restored, document_shown


class Documents:
    """The document at hand, and each finished run with its document, node and recorded logits."""

    def __init__(self, restored: Restored | None = None) -> None:
        """Begin where a session was left, which is handed over, or with nothing."""
        restored = restored if restored is not None else Restored()
        self.at_hand = restored.document()
        """The document at hand."""
        self.tree = restored.tree
        self.store = LogitsStore()
        self._cleared_from = restored.cleared_from
        self._documents = restored.documents
        self._runs = 0

    @property
    def can_restore(self) -> bool:
        """Whether a cleared document can be brought back."""
        return self._cleared_from != ROOT and not self.at_hand.turns

    @property
    def context_used(self) -> int:
        """How many tokens of the context the document fills."""
        for turn in reversed(self.at_hand.turns[-2:]):
            if turn.started is not None:
                return len(turn.started.context_token_ids) + _generated_count(turn)
        return 0

    def begin(self) -> RunRecorder:
        """Return what the request of the last turn takes along, to be explained later."""
        self._cleared_from = ROOT
        turn = self.at_hand.turns[-1]
        if not turn.key:
            self._runs += 1
            turn.key = f"run {self._runs}"
        return self.store.recorder(turn.key)

    def begun(self) -> Entry:
        """Return what tells a session that the run of the document's last turn has started.

        Raises:
            ValueError: It has not.
        """
        turns = self.at_hand.turns
        if turns[-1].started is None:
            raise ValueError("the run has not started")
        branch = self._branch(turns[-1], turns[-1].started.context_token_ids)
        return run_begun(self.tree.next_id, branch, turns, self._documents[branch.parent])

    def name_of(self, turn: Turn) -> str:
        """Return what the tree calls the run of ``turn``, empty until it is there."""
        return self.tree.name(turn.node_id) or (f"run {turn.node_id}" if turn.node_id else "")

    def add(self) -> None:
        """Keep the run that has just finished, the document's last turn."""
        turn = self.at_hand.turns[-1]
        started, finished = turn.started, turn.finished
        if started is None or finished is None:
            return
        run = RunFacts.of(turn)
        if turn.node_id:
            self.tree.extend(turn.node_id, run)
        else:
            branch = self._branch(turn, started.context_token_ids)
            turn.node_id = self.tree.add(branch, run).node_id
        self._documents[turn.node_id] = tuple(self.at_hand.turns)

    def stay(self) -> None:
        """Show again what was shown before a run that never began."""
        self.tree.stay()
        self._show()

    def go(self, node_id: int) -> None:
        """Move to the document of a run, or to the empty one.

        Raises:
            PlaygroundError: There is no such run.
        """
        self.tree.move(node_id)
        self._show()

    def undo(self) -> bool:
        """Go back to the document that was shown before this one; return whether there is one."""
        return self.tree.undo() and self._show()

    def redo(self) -> bool:
        """Take back an undo; return whether there is one to take back."""
        return self.tree.redo() and self._show()

    def clear(self) -> None:
        """Go to the empty document; ``restore`` brings this one back."""
        self._cleared_from = self.tree.cursor
        self.go(ROOT)

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self.can_restore:
            self.go(self._cleared_from)

    def leave(self, position: int, beam: Hypothesis | None = None) -> None:
        """Go to the document as it stood before a step; see ``Document.before``."""
        turn = self.at_hand.turn_at(position)
        self.at_hand = self.at_hand.before(position, beam)
        if turn is not None and turn.node_id:
            self.tree.begin_from(turn.node_id)

    def token_text_of(self, node_id: int) -> TokenText | None:
        """Return what names a token under the model of a run; ``None`` where nobody can."""
        run = self.store.run(self._documents[node_id][-1].key)
        return run.start.texts.token_text if run is not None else None

    def follow(self) -> None:
        """Forget what was pruned from the tree, and show what its cursor is on."""
        kept = {ROOT, *(node.node_id for node in self.tree.nodes)}
        for node_id in self._documents.keys() - kept:
            self.store.forget(self._documents.pop(node_id)[-1].key)
        if self._cleared_from not in kept:
            self._cleared_from = ROOT
        shown = self.at_hand.turns[-1].node_id if self.at_hand.turns else ROOT
        if shown not in kept:
            self._show()

    def _show(self) -> bool:
        self.at_hand = document_shown(self._documents[self.tree.cursor], self.tree.tokens_shown)
        return True

    def _branch(self, turn: Turn, context: tuple[int, ...]) -> Branch:
        parent = self.tree.cursor
        fork = turn.fork
        inserted = turn.prompt if fork is None else fork.other_beam
        branch = self.tree.branch_to(parent, context, inserted)
        if parent != ROOT:
            before = self.tree.node(parent).run.model
            if before.tokenizer_fingerprint != turn.tokenizer_fingerprint:
                branch = Branch(parent, 0, context, inserted)  # ids of another vocabulary
        step = fork.step if fork is not None else None
        return dataclasses.replace(branch, message=turn.message, step=step)


def _generated_count(turn: Turn) -> int:
    """How many tokens a turn has made, without building the list of them."""
    finished = turn.finished
    if finished is not None and (finished.token_ids or finished.reason != "failed"):
        return len(finished.token_ids)
    return len(turn.steps)
