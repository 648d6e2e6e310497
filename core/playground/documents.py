"""The documents: the one at hand, and that of every run of the tree, to which one can go back.

Must never touch a widget or the model's thread, and never re-encodes text: documents are kept as
they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence

from core.document.document import Document, Turn
from core.document.export.reading import ExportedRun
from core.document.tree_records import ROOT, Beginning, Removal, RunFacts
from core.looking_back.logits_store import LogitsStore
from core.records.errors import PlaygroundError
from core.records.recorded_run import RunRecorder
from core.records.steps import BeamStep, Event, Finished, Hypothesis, Started, TokenStep
from core.sessions.entries import (
    Entry,
    Moved,
    MoveKind,
    RunBegun,
    RunNamed,
    RunRemoved,
    StepLookedAt,
    begun_as,
    cut_of,
    run_begun,
)
from core.sessions.restoring import Restored, document_shown
from core.sessions.runs import runs_of_tree
from core.sessions.sharing import GrownRun, grown_runs


class Documents:
    """The document at hand, and each finished run with its document, node and recorded logits.

    Args:
        restored: Where a session was left, which is handed over; ``None`` to begin with nothing.
        record: Is told of all that happens to documents and tree, in the order in which it does.
    """

    def __init__(
        self,
        restored: Restored | None = None,
        record: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        restored = restored if restored is not None else Restored()
        self.at_hand = restored.document()
        """The document at hand."""
        self.tree = restored.tree
        self.store = LogitsStore()
        self._cleared_from = restored.cleared_from
        self._documents = restored.documents
        self._programs = restored.programs
        self._record = record
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

    def begin(self, turn: Turn | None = None) -> RunRecorder:
        """Return what the request of a turn takes along, to be explained later.

        Of the last one of the document at hand, where none is given.
        """
        turn = self.at_hand.turns[-1] if turn is None else turn
        if not turn.key:
            self._runs += 1
            turn.key = f"run {self._runs}"
        return self.store.recorder(turn.key)

    def apply(self, event: Event) -> None:
        """Take one event of what runs in the document at hand; a run that has ended is kept."""
        document = self.at_hand
        was_weighing, has_started = document.is_weighing, document.has_started
        document.apply(event)
        if was_weighing:
            return
        if isinstance(event, TokenStep | BeamStep):
            self._record(event)
        elif isinstance(event, Started):
            self._cleared_from = ROOT
            turns = document.turns
            beginning = self._beginning(turns[-1], event.context_token_ids)
            before = self._documents[beginning.parent]
            self._record(run_begun(self.tree.next_id, beginning, turns, before))
            if document.cursor is not None:
                self._record(StepLookedAt(document.cursor))
        elif isinstance(event, Finished):
            if has_started:
                self.add()
                self._record(event)
            else:
                self.stay()

    def name_of(self, turn: Turn) -> str:
        """Return what the tree calls the run of ``turn``, empty until it is there."""
        return self.tree.called(turn.node_id) if turn.node_id else ""

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
            beginning = self._beginning(turn, started.context_token_ids)
            turn.node_id = self.tree.add(beginning, run).node_id
        self._documents[turn.node_id] = tuple(self.at_hand.turns)

    def begun_beside(self, turns: Sequence[Turn]) -> RunBegun:
        """Return what tells that the run of the last of ``turns`` has begun beside the document.

        It goes on from the document at hand, and comes into the tree with ``keep_beside``.
        """
        turn = turns[-1]
        if turn.started is None:
            raise ValueError("the run has not started")
        beginning = self._beginning(turn, turn.started.context_token_ids)
        return begun_as(0, beginning, turn, cut_of(turns, self._documents[beginning.parent]))

    def keep_beside(self, turns: Sequence[Turn], beginning: Beginning) -> int:
        """Keep a run that has ended beside the document, which stays at hand; return its node."""
        turn = turns[-1]
        turn.node_id = self.tree.add(beginning, RunFacts.of(turn), moves=False).node_id
        self._documents[turn.node_id] = tuple(turns)
        return turn.node_id

    def stay(self) -> None:
        """Show again what was shown before a run that never began."""
        self.tree.stay()
        self._show()
        self._record(StepLookedAt(None))

    def go(self, node_id: int) -> None:
        """Move to the document of a run, or to the empty one.

        Raises:
            PlaygroundError: There is no such run.
        """
        self.tree.move(node_id)
        self._moved("go", node_id)

    def undo(self) -> bool:
        """Go back to the document that was shown before this one; return whether there is one."""
        return self.tree.undo() and self._moved("undo")

    def redo(self) -> bool:
        """Take back an undo; return whether there is one to take back."""
        return self.tree.redo() and self._moved("redo")

    def clear(self) -> None:
        """Go to the empty document; ``restore`` brings this one back."""
        self._cleared_from = self.tree.cursor
        self.tree.move(ROOT)
        self._moved("clear")

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self.can_restore:
            self.tree.move(self._cleared_from)
            self._moved("restore")

    def leave(self, position: int, beam: Hypothesis | None = None) -> None:
        """Go to the document as it stood before a step; see ``Document.before``."""
        turn = self.at_hand.turn_at(position)
        self.at_hand = self.at_hand.before(position, beam)
        if turn is not None and turn.node_id:
            self.tree.begin_from(turn.node_id)

    def document_of(self, node_id: int) -> Document:
        """Return the whole document that ends with a run."""
        return Document(self._documents[node_id])

    def turn_of(self, node_id: int) -> Turn:
        """Return the turn of a run, as it was when the run ended."""
        return self._documents[node_id][-1]

    def exported(self, node_ids: Collection[int]) -> list[ExportedRun]:
        """Return runs of the tree as those of exported files are, the oldest first."""
        return list(runs_of_tree(self.tree, self._documents, self._programs, node_ids))

    def grown(self, node_ids: Collection[int]) -> list[GrownRun]:
        """Return runs of the tree as another session takes them in, the oldest first."""
        return grown_runs(self.tree, self._documents, self._programs, node_ids)

    def rename(self, node_id: int, name: str) -> None:
        """Name a run; see ``Tree.rename``.

        Raises:
            PlaygroundError: There is no such run, or the name is too long or more than a line.
        """
        self.tree.rename(node_id, name)
        self._record(RunNamed(node_id, name))

    def remove(self, removal: Removal) -> None:
        """Remove what was planned from the tree, and show what its cursor is on then.

        Raises:
            PlaygroundError: The tree has changed since it was planned, or a run goes on, which
                may have begun from what would be removed.
        """
        if self.at_hand.is_running and not self.at_hand.is_weighing:
            raise PlaygroundError("a run goes on; remove runs when it has ended")
        self.tree.remove(removal)
        self._follow()
        self._record(RunRemoved(removal.node_ids[0]))

    def _follow(self) -> None:
        """Forget what was removed from the tree, and show what its cursor is on."""
        kept = {ROOT, *(node.node_id for node in self.tree.nodes)}
        for node_id in self._documents.keys() - kept:
            self.store.forget(self._documents.pop(node_id)[-1].key)
        if self._cleared_from not in kept:
            self._cleared_from = ROOT
        shown = self.at_hand.turns[-1].node_id if self.at_hand.turns else ROOT
        if shown not in kept:
            self._show()

    def _moved(self, how: MoveKind, node_id: int = ROOT) -> bool:
        self._record(Moved(how, node_id))
        return self._show()

    def _show(self) -> bool:
        self.at_hand = document_shown(self._documents[self.tree.cursor], self.tree.tokens_shown)
        return True

    def _beginning(self, turn: Turn, context: tuple[int, ...]) -> Beginning:
        parent = self.tree.cursor
        fork = turn.fork
        inserted = turn.prompt if fork is None else fork.other_beam
        beginning = self.tree.beginning_from(parent, context, inserted)
        if parent != ROOT:
            before = self.tree.node(parent).run.model
            if before.tokenizer_fingerprint != turn.tokenizer_fingerprint:
                beginning = Beginning(parent, 0, context, inserted)  # ids of another vocabulary
        step = fork.step if fork is not None else None
        return dataclasses.replace(beginning, message=turn.message, step=step)


def _generated_count(turn: Turn) -> int:
    """How many tokens a turn has made, without building the list of them."""
    finished = turn.finished
    if finished is not None and (finished.token_ids or finished.reason != "failed"):
        return len(finished.token_ids)
    return len(turn.steps)
