"""A page that explains the step under the document's cursor; arrows go from step to step.

Must never know what a step was: the pages that build on it do, each for a kind of its own.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.screen import Screen

from core.looking_back.beam_contest import ParentBeam
from core.playground.playground import Playground
from core.records.steps import Candidate, Step
from tui.common.breakpoints import WIDTHS
from tui.common.lines_view import LinesView
from tui.why.token_rows import title


@dataclass(frozen=True, slots=True)
class Forked:
    """The page's end where a person goes on with a candidate, of a beam where there are beams."""

    chosen: Candidate
    parent: ParentBeam | None = None

    def go_on(self, playground: Playground) -> None:
        """Write on with it, from the step under the cursor."""
        if self.parent is None:
            playground.forks.to_candidate(self.chosen)
        else:
            playground.forks.to_beam(self.parent, self.chosen)


class StepScreen(Screen[Forked | bool]):
    """Follows the cursor over steps of ``KIND``.

    The result is a fork, or whether the cursor has come to a step that another page explains.
    """

    CSS_PATH = ["pages.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = WIDTHS
    KIND: ClassVar[type[Step]]

    def __init__(self, playground: Playground) -> None:
        super().__init__()
        self._playground = playground

    @property
    def hint(self) -> Content:
        """What to do with the rows."""
        return Content(f"↑ ↓ {self._playground.told('go_on')}: go on with it")

    @abstractmethod
    def show(self) -> None:
        """Draw the selected step."""

    def on_resize(self) -> None:
        """Draw for the new width, once everything has it."""
        self.call_after_refresh(self.show)

    def action_step(self, offset: int) -> None:
        """Explain an earlier or a later step."""
        self._playground.cursor.move(offset)
        selected = self._playground.document.selected()
        if selected is not None and not isinstance(selected[1], self.KIND):
            self.dismiss(True)
        else:
            self.show()

    def _show_title(self, what: str) -> None:
        store = self._playground.documents.store.facts()
        row = title(what, self._playground.document, store)
        self.query_one("#why-title", LinesView).update_rows([row])
