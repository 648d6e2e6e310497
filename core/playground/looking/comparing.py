"""Runs side by side on one prompt: begun, filled in as they come, stopped.

Must never touch a widget, nor the document: a column becomes a run of it only when it is gone on
with.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.backends.worker import GenerationService
from core.looking_back.comparison.column import Column, Comparison
from core.playground.model_state import ModelState
from core.records.comparison import ColumnEvent, ColumnPlan
from core.records.steps import EngineChanged


class Comparing:
    """What stands side by side now; ``comparison`` is ``None`` before there is any."""

    def __init__(self, service: GenerationService, model: ModelState) -> None:
        self._service, self._model = service, model
        self.comparison: Comparison | None = None

    @property
    def is_running(self) -> bool:
        """Whether a column is still to go on."""
        return self.comparison is not None and not self.comparison.is_over

    def begin(self, plans: Sequence[ColumnPlan]) -> Comparison:
        """Run a column for each of ``plans``, after all that was submitted before."""
        self.comparison = Comparison(plans)
        self._service.compare([plan.request for plan in plans])
        return self.comparison

    def show(self, columns: Sequence[Column]) -> Comparison:
        """Have ``columns`` stand side by side that have run already."""
        self.comparison = Comparison([column.plan for column in columns])
        self.comparison.columns = tuple(columns)
        return self.comparison

    def stop(self) -> None:
        """Stop all columns before their next step; what they have written stays."""
        self._service.cancel()

    def apply(self, told: ColumnEvent) -> None:
        """Take what has come."""
        if isinstance(told.event, EngineChanged):
            self._model.change_engine(told.event.engine)
        elif self.comparison is not None:
            self.comparison.columns[told.column].take(told.event)
