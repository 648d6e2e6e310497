"""Entries to what they led to: the tree, the documents, and all else that was at hand.

Must never trust an entry: one that does not fit what came before it is told, and changes nothing
that a person would miss.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.document.document import Document, Turn
from core.document.tree import Tree
from core.document.tree_records import ROOT, Beginning, ModelRef, RunFacts
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.steps import Finished, FinishReason, Started, Step, TokenStep
from core.sessions.entries import (
    ColumnsKept,
    Cut,
    Entry,
    ModelReady,
    Moved,
    OfColumn,
    PresetChosen,
    ProgramStarted,
    PromptSent,
    PromptWaits,
    RunBegun,
    RunGoesOn,
    RunNamed,
    RunRemoved,
    SessionNamed,
    StepLookedAt,
)

INTERRUPTED = "the program ended before the run did"


@dataclass(slots=True)
class Restored:
    """Where one left: what the entries of a session lead to.

    ``documents`` has the turns of each run's whole document, and those of ``ROOT``, which are none.
    ``cleared_from`` is the run whose document was cleared last, ``ROOT`` where that is over.
    ``position`` is the step that was looked at, ``None`` for the newest. ``prompts`` are those that
    were sent, oldest first; ``waiting`` is the one that never ran, empty without one. ``preset`` is
    the one that was chosen last, ``model`` the one that was ready last; ``None`` where nothing was.
    ``programs`` says with which versions a run was written, or gone on with, by hand.
    """

    tree: Tree = field(default_factory=Tree)
    documents: dict[int, tuple[Turn, ...]] = field(default_factory=lambda: {ROOT: ()})
    cleared_from: int = ROOT
    position: int | None = None
    prompts: list[str] = field(default_factory=list)
    waiting: str = ""
    preset: PresetChosen | None = None
    model: ModelInfo | None = None
    name: str = ""
    programs: dict[int, ProgramStarted] = field(default_factory=dict)

    def document(self) -> Document:
        """Return the document that was at hand, with the cursor where it was."""
        document = document_shown(self.documents[self.tree.cursor], self.tree.tokens_shown)
        if self.position is not None and self.position < document.step_count():
            document.cursor = self.position
        return document


def document_shown(turns: Sequence[Turn], tokens: int) -> Document:
    """Return a document of which ``tokens`` of those that its last run wrote are shown."""
    document = Document(turns)
    hidden = len(turns[-1].token_ids) - tokens if turns else 0
    return document.before(document.step_count() - hidden) if hidden > 0 else document


@dataclass(slots=True)
class _Open:
    """A run that has begun, and is no run of the tree yet."""

    turn: Turn
    before: tuple[Turn, ...]
    beginning: Beginning

    def interrupt(self) -> Finished:
        """End it, since the program ended first; return its end."""
        turn = self.turn
        steps = [step for step in turn.steps if isinstance(step, TokenStep)]
        # Each step by hand is whole, so that a person goes on as if nothing had happened.
        is_open = turn.is_by_hand and not (steps and steps[-1].is_special)
        reason: FinishReason = "by_hand" if is_open else "cancelled"
        return Finished(reason, turn.token_ids, turn.text, 0.0, detail=INTERRUPTED)


class Restorer:
    """Takes entries one by one, from ``state`` on; that is always where they have led."""

    def __init__(self, state: Restored | None = None) -> None:
        self.state = state if state is not None else Restored()
        self._open: _Open | None = None
        self._columns: dict[int, _Open] = {}
        self._program = ProgramStarted("", "", "")

    def take(self, entry: Entry) -> None:
        """Do what was done then.

        Raises:
            ValueError: It does not fit what came before; the state is as it was.
        """
        try:
            self._take(entry)
        except PlaygroundError as error:
            raise ValueError(str(error)) from None

    def interrupt(self) -> Entry | None:
        """End what has no end, since the program ended first; return what did, if anything."""
        if self._open is None and not self._columns:
            return None
        end = self._open.interrupt() if self._open is not None else ColumnsKept()
        try:
            self._take(end)
        except PlaygroundError:  # what it began from was removed meanwhile
            return None
        return end

    def _take(self, entry: Entry) -> None:
        state = self.state
        match entry:
            case ProgramStarted():
                self._program = entry
            case RunBegun():
                self._begin(entry)
            case RunGoesOn():
                self._go_on(entry.node_id)
            case OfColumn():
                self._take_column(entry)
            case ColumnsKept():
                self._keep_columns()
            case Finished():
                self._end(entry)
            case Moved():
                self._move(entry)
            case StepLookedAt():
                state.position = entry.position
            case RunNamed():
                state.tree.rename(entry.node_id, entry.name)
            case RunRemoved():
                self._remove(entry.node_id)
            case PromptSent():
                state.prompts.append(entry.text)
            case PromptWaits():
                state.waiting = entry.text
            case PresetChosen():
                state.preset = entry
            case ModelReady():
                state.model = entry.model
            case SessionNamed():
                state.name = entry.name
            case _:
                self._step(entry)

    def _step(self, step: Step) -> None:
        if self._open is None:
            raise ValueError("a step stands outside of every run")
        self._open.turn.steps.append(step)

    def _begin(self, run: RunBegun) -> None:
        self._check_is_free()
        if run.node_id != self.state.tree.next_id:
            raise ValueError(f"run {run.node_id} does not belong there")
        self._open = self._opened(run)
        self.state.position, self.state.cleared_from = None, ROOT

    def _opened(self, run: RunBegun) -> _Open:
        state, parent = self.state, run.beginning.parent
        if parent not in state.documents:
            raise ValueError(f"run {run.node_id} does not belong there")
        context = state.tree.document(parent) if parent != ROOT else ()
        if run.beginning.kept > len(context):
            raise ValueError(f"run {run.node_id} keeps more than there is")
        if run.beginning.kept and parent != ROOT:
            state.tree.check_model(parent, ModelRef(run.model_name, run.tokenizer_fingerprint))
        before = _cut(state.documents[parent], run.cut)
        turn = Turn(
            run.prompt,
            run.preset_name,
            run.settings,
            run.model_name,
            run.tokenizer_fingerprint,
            run.chat,
            run.beginning.message,
            run.fork,
            run.is_by_hand,
            model=run.model,
            messages=run.messages,
        )
        turn.started = Started(
            context[: run.beginning.kept] + run.beginning.inserted_token_ids,
            run.prompt_token_ids,
            run.max_new_tokens,
            run.context_size,
            run.seed,
            run.dropped_turns,
            run.drawn,
            run.counted,
        )
        return _Open(turn, before, run.beginning)

    def _take_column(self, told: OfColumn) -> None:
        column, entry = self._columns.get(told.column), told.entry
        if isinstance(entry, RunBegun):
            if self._open is not None or column is not None:
                raise ValueError(f"column {told.column} begins in the middle of a run")
            self._columns[told.column] = self._opened(entry)
        elif column is None or column.turn.finished is not None:
            raise ValueError(f"column {told.column} goes on outside of every run")
        elif isinstance(entry, Finished):
            column.turn.end(entry)
        else:
            column.turn.steps.append(entry)

    def _keep_columns(self) -> None:
        columns, self._columns = self._columns, {}
        for _, column in sorted(columns.items()):
            if column.turn.finished is None:
                column.turn.end(column.interrupt())
            self._keep(column, moves=False)

    def _go_on(self, node_id: int) -> None:
        self._check_is_free()
        turns = self.state.documents.get(node_id)
        if not turns:
            raise ValueError(f"there is no run {node_id}")
        last = turns[-1]
        turn = dataclasses.replace(last, steps=last.steps.copy(), finished=None)
        self._open = _Open(turn, turns[:-1], Beginning(ROOT, 0))
        self.state.position, self.state.cleared_from = None, ROOT

    def _end(self, end: Finished) -> None:
        run, self._open = self._open, None
        if run is None:
            raise ValueError("a run ends that has not begun")
        run.turn.end(end)
        self._keep(run)

    def _keep(self, run: _Open, *, moves: bool = True) -> None:
        turn, state = run.turn, self.state
        if turn.node_id:
            state.tree.extend(turn.node_id, RunFacts.of(turn))
        else:
            if moves:
                state.tree.begin_from(run.beginning.parent)
            added = state.tree.add(run.beginning, RunFacts.of(turn), moves=moves)
            turn.node_id, turn.key = added.node_id, f"restored {added.node_id}"
        state.documents[turn.node_id] = (*run.before, turn)
        state.programs[turn.node_id] = self._program

    def _move(self, moved: Moved) -> None:
        self._check_is_free()
        state = self.state
        match moved.how:
            case "undo":
                state.tree.undo()
            case "redo":
                state.tree.redo()
            case "go":
                state.tree.move(moved.node_id)
            case "clear":
                state.cleared_from = state.tree.cursor
                state.tree.move(ROOT)
            case "restore":
                state.tree.move(state.cleared_from)
        state.position = None

    def _remove(self, node_id: int) -> None:
        state, was_at = self.state, self.state.tree.cursor
        state.tree.remove(state.tree.plan_removal(node_id))
        for gone in state.documents.keys() - {ROOT, *(node.node_id for node in state.tree.nodes)}:
            del state.documents[gone], state.programs[gone]
        if state.cleared_from not in state.documents:
            state.cleared_from = ROOT
        if state.tree.cursor != was_at:
            state.position = None

    def _check_is_free(self) -> None:
        if self._open is not None or self._columns:
            raise ValueError("a run goes on meanwhile")


def _cut(turns: tuple[Turn, ...], cut: Cut | None) -> tuple[Turn, ...]:
    """Return a document with what is left of its last turn, as ``Document.before`` leaves it."""
    if cut is None:
        return turns
    if not turns or cut.steps > len(turns[-1].steps):
        raise ValueError("a run keeps steps that there are not")
    end = Finished("cancelled", cut.token_ids, cut.text, 0.0)
    steps = turns[-1].steps.until(cut.steps)
    return (*turns[:-1], dataclasses.replace(turns[-1], steps=steps, finished=end))
