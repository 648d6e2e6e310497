"""Why these beams: one step of a beam search, what each beam had to offer, and what was kept.

Must never put model text through markup, and never runs the model: all is in the step's record.
What a person decides here is handed to the app.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.document.document import Turn
from core.looking_back.beam_contest import Contender, ParentBeam, contest, next_change_of_lead
from core.playground.playground import Playground
from core.records.steps import BeamStep
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import Row, line, lines
from tui.why.beam_rows import beam_facts, contest_rows, whole_rows
from tui.why.step_screen import Forked, StepScreen


class BeamsScreen(StepScreen):
    """Explains the beam step that the document's cursor is on."""

    KIND = BeamStep
    PAGE = "why these beams"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, playground: Playground) -> None:
        super().__init__(playground)
        self._rows: list[tuple[ParentBeam, Contender | None]] = []
        self._whole_for: tuple[str, int, int, int] | None = None
        self._whole_rows: list[Row] = []

    def compose(self) -> ComposeResult:
        """Lay the page out: the facts on the left, what every beam had to offer on the right."""
        yield LinesView(id="why-title")
        with Horizontal(id="why-body"):
            with VerticalScroll(id="why-facts", can_focus=False):
                yield Static(id="why-text")
            yield OptionList(id="why-candidates")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Explain the selected step."""
        options = self.query_one(OptionList)
        options.border_title = "what each beam had to offer"
        options.border_subtitle = self.hint
        self.query_one("#why-facts").border_title = "why"
        options.focus()

    def show(self) -> None:
        """Draw the selected step."""
        selected = self._selected()
        if selected is None:
            return
        turn, step = selected
        self._show_title("why these beams")
        before = turn.steps[step.index - 1] if step.index else None
        previous = before if isinstance(before, BeamStep) else None
        text = self.query_one("#why-text", Static)
        width = text.size.width
        rows = beam_facts(turn, step, previous, width)
        text.update(lines([*rows, *self._whole(turn, width)]))
        self._show_contest(contest(step, previous))

    def _whole(self, turn: Turn, width: int) -> list[Row]:
        """Return what the whole search came to; it is found out once, not at every step."""
        if turn.finished is None:
            return []
        found_for = turn.key, turn.node_id, len(turn.steps), width
        if found_for != self._whole_for:
            self._whole_for, self._whole_rows = found_for, whole_rows(turn, width)
        return self._whole_rows

    def _show_contest(self, parents: tuple[ParentBeam, ...]) -> None:
        options = self.query_one(OptionList)
        rows = contest_rows(parents, options.scrollable_content_region.width - 2)
        self._rows = [(parent, contender) for _, parent, contender in rows]
        options.clear_options()
        options.add_options(
            Option(line(row), disabled=contender is None) for row, _, contender in rows
        )
        leads = [
            place
            for place, (_, one) in enumerate(self._rows)
            if one is not None and one.fate == "live" and one.place == 1
        ]
        options.highlighted = leads[0] if leads else 1

    def _selected(self) -> tuple[Turn, BeamStep] | None:
        selected = self._playground.document.selected()
        if selected is None or not isinstance(selected[1], BeamStep):
            return None
        return selected[0], selected[1]

    # What a person does

    def action_revision(self) -> None:
        """Go to the next step at which another beam took the lead; at the last, to the first."""
        selected = self._selected()
        if selected is None:
            return
        turn, step = selected
        found = next_change_of_lead(turn.steps, step.index)
        if found is None:
            found = next_change_of_lead(turn.steps, -1)
        if found is not None:
            self.action_step(found - step.index)

    def action_whole(self) -> None:
        """Show the whole search as one tree; go to the step that is picked there."""
        from tui.why.whole import WholeSearchScreen

        selected = self._selected()
        if selected is None:
            return
        index = selected[1].index

        def looked(step: int | None) -> None:
            if step is not None:
                self.action_step(step - index)

        self.app.push_screen(WholeSearchScreen(selected[0]), looked)

    def action_refuse(self, sentence: str) -> None:
        """Say why a key does nothing, until the next beam is looked at."""
        self.query_one(OptionList).border_subtitle = f"[$text-warning]{sentence}[/]"

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.option_list.border_subtitle = self.hint

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        parent, contender = self._rows[event.option_index]
        if contender is not None:
            self.dismiss(Forked(contender.candidate, parent))

    def action_fork(self) -> None:
        """Go on with the token that is picked."""
        self.query_one(OptionList).action_select()

    def action_close(self) -> None:
        """Go back to the main screen."""
        self.dismiss(False)
