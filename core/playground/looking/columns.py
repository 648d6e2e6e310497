"""Runs side by side as runs of the tree: each is written down as it comes, and can be gone on with.

Must never change the document at hand, but where a person goes on with a column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.document.document import Document
from core.document.tree_records import Beginning
from core.looking_back.comparison.column import Comparison
from core.looking_back.comparison.plans import with_dice
from core.playground.documents import Documents
from core.playground.looking.beside import Beside
from core.playground.looking.choosing import ChosenColumns
from core.playground.looking.comparing import Comparing
from core.playground.looking.of_runs import columns_of
from core.playground.model_state import ModelState
from core.presets.book import CHANGED, Preset
from core.records.comparison import ColumnEvent, ColumnPlan, InTurn
from core.records.request import Request
from core.records.seeds import new_seed
from core.records.steps import BeamStep, Finished, Started, TokenStep
from core.sessions.entries import ColumnsKept, Entry, OfColumn


@dataclass(slots=True)
class ColumnRun:
    """A column as a run: the document that it writes, and its node once it is in the tree."""

    document: Document
    beginning: Beginning | None = None
    node_id: int = 0


class Columns:
    """What stands side by side, from the first event to the runs of the tree that come of it."""

    def __init__(
        self,
        comparing: Comparing,
        documents: Documents,
        model: ModelState,
        record: Callable[[Entry], None],
    ) -> None:
        self._comparing = comparing
        self._documents = documents
        self._model = model
        self._record = record
        self.runs: tuple[ColumnRun, ...] = ()
        self._is_away = False
        self.prompt = ""
        """What all of them answer, behind the document at hand."""
        self.chosen: ChosenColumns | None = None
        """What was chosen for them."""
        self.beside: Beside | None = None
        """How one looks at them; ``None`` before there are any."""

    @property
    def comparison(self) -> Comparison | None:
        """The columns, as far as they have come."""
        return self._comparing.comparison

    @property
    def is_running(self) -> bool:
        """Whether a column is still to go on."""
        return self._comparing.is_running

    def begin(self, chosen: ChosenColumns, prompt: str, *, has_new_dice: bool = False) -> None:
        """Run all that was chosen, behind the document at hand and ``prompt``.

        With ``has_new_dice``, under a seed that nobody asked for.

        Raises:
            PlaygroundError: There are too few columns or too many, or they cannot be had.
        """
        new = new_seed() if has_new_dice else None
        plans = chosen.plans(lambda preset: self._asked(preset, prompt)[1], new)
        # An empty prompt writes the document on, whose dice all of them go on with.
        going_on = self._asked(chosen.preset_of(0), "", has_own_seed=False)[1]
        is_on = not (prompt or has_new_dice) and going_on.settings.seed is not None
        is_same = chosen.has_same_dice and chosen.way != "seeds"
        seed = going_on.settings.seed if is_on else new
        plans = with_dice(plans, seed, same=is_same)
        drawn = going_on.drawn if is_on and is_same else 0
        runs, asked = [], []
        for column, plan in enumerate(plans):
            document, plan = self._planned(chosen, column, plan, prompt, drawn)
            runs.append(ColumnRun(document))
            asked.append(plan)
        self.runs, self.prompt, self.chosen = tuple(runs), prompt, chosen
        self.beside = Beside(self._comparing.begin(asked))

    def _asked(
        self, preset: Preset, prompt: str, *, has_own_seed: bool = True
    ) -> tuple[Document, Request]:
        """Return a document that goes on under ``preset``, and what is asked for that."""
        document = Document(self._documents.at_hand.turns)
        settings = preset.settings if has_own_seed else preset.settings.replace(seed=None)
        info = self._model.info
        return document, document.begin(prompt, preset.name, settings, info, preset.chat)

    def _planned(
        self, chosen: ChosenColumns, column: int, plan: ColumnPlan, prompt: str, drawn: int
    ) -> tuple[Document, ColumnPlan]:
        preset, wanted = chosen.preset_of(column), plan.request.settings
        # What was asked for: a seed that all of them share was asked for by nobody.
        seed = wanted.seed if chosen.way == "seeds" else preset.settings.seed
        asked = wanted.replace(seed=seed)
        name = preset.name
        if asked.replace(seed=preset.settings.seed) != preset.settings:
            name = name.removesuffix(CHANGED) + CHANGED
        document, request = self._asked(
            dataclasses.replace(preset, name=name, settings=asked), prompt
        )
        recorder = self._documents.begin(document.turns[-1])
        request = dataclasses.replace(request, settings=wanted, drawn=drawn, recorder=recorder)
        return document, dataclasses.replace(plan, request=request)

    def of_runs(self, first: int, second: int) -> bool:
        """Set two runs of the tree side by side; return whether they answer the same prompt.

        Raises:
            PlaygroundError: There is no such run, or their tokens do not mean the same text.
        """
        tree = self._documents.tree
        tree.check_model(first, tree.node(second).run.model)
        documents = [self._documents.document_of(one) for one in (first, second)]
        names = [
            f"{tree.called(one)} · {tree.node(one).run.preset_name}" for one in (first, second)
        ]
        found = columns_of(documents[0].turns, documents[1].turns, names)
        if found is None:
            return False
        self.runs = tuple(
            ColumnRun(document, node_id=one)
            for document, one in zip(documents, (first, second), strict=True)
        )
        asked = [turn.prompt for turn in documents[0].turns if turn.prompt]
        self.prompt, self.chosen = asked[-1] if asked else "", None
        self.beside = Beside(self._comparing.show(found))
        return True

    def stop(self) -> None:
        """Stop all columns before their next step; what they have written stays."""
        self._comparing.stop()

    def apply(self, told: ColumnEvent) -> None:
        """Take what has come, and keep it; when all have ended they are runs of the tree."""
        self._comparing.apply(told)
        if told.column >= len(self.runs):
            return
        run, event = self.runs[told.column], told.event
        if isinstance(event, InTurn):
            return
        run.document.apply(event)
        if isinstance(event, Started):
            begun = self._documents.begun_beside(run.document.turns)
            run.beginning = begun.beginning
            self._record(OfColumn(told.column, begun))
        elif run.beginning is not None and isinstance(event, TokenStep | BeamStep | Finished):
            self._record(OfColumn(told.column, event))
        if not self.is_running:
            self._keep()

    def _keep(self) -> None:
        for run in self.runs:
            if run.beginning is not None and not run.node_id:
                run.node_id = self._documents.keep_beside(run.document.turns, run.beginning)
        if any(run.node_id for run in self.runs):
            self._record(ColumnsKept())

    def nodes(self) -> Sequence[int]:
        """Return the runs of the tree that came of the columns."""
        return [run.node_id for run in self.runs if run.node_id]

    def go_on_with(self, column: int) -> bool:
        """Make the document that of a column.

        Returns:
            Whether there is one: a column that never began has none.
        """
        node_id = self.runs[column].node_id
        if node_id:
            self._documents.go(node_id)
        return bool(node_id)

    def look_closer(self, column: int, step: int) -> None:
        """Look at a step of a column as at one of the document, until ``come_back`` is called."""
        tree = self._documents.tree
        before = tree.cursor, tree.tokens_shown
        self.go_on_with(column)
        self._is_away = before != (tree.cursor, tree.tokens_shown)
        document, comparison = self._documents.at_hand, self.comparison
        if comparison is not None:
            steps = len(comparison.columns[column].steps)
            document.look_at(document.step_count() - steps + step)

    def come_back(self) -> None:
        """Have the document that was at hand before a step was looked at closer."""
        if self._is_away:
            self._documents.undo()
        self._is_away = False
