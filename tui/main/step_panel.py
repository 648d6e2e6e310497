"""The selected step: what the model weighed, or which beams it follows.

Must never keep a step of its own: it draws the one that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from core.document.document import Document, Turn
from core.playground.presets.turning import Effect
from core.records.steps import BeamStep, Candidate, NextToken, Step, TokenStep
from core.text.readable import number
from tui.common.beam_rows import beam_header, beam_list, standing_rows
from tui.common.dials.compared import step_rows
from tui.common.lines_view import LinesView
from tui.common.step_rows import (
    CHOSEN,
    DIM,
    Row,
    candidate_table,
    choice_header,
    choice_table,
    shorten,
    step_header,
)

_TITLE = "what the model weighed"
_UNDER_DIALS = "what the dials make of it"
_EFFECT_HEADER = 2
_ROWS_BESIDE = 3
"""The heading, a chosen token that is not among those listed, and the rest."""

_ROOM_FOR_WHY = 9
"""The rows from which on the last one says why a search goes on."""

Weighed = Callable[[int], tuple[Candidate, ...]]


class StepPanel(Vertical):
    """A header of three lines and a table under it, of candidates or of beams."""

    class CandidateClicked(Message):
        """A person clicked the ``number``-th candidate or beam of the table, from 1."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._drawn: tuple[object, ...] | None = None
        self._candidates = 0

    def compose(self) -> ComposeResult:
        """Lay the header over the table."""
        self.border_title = _TITLE
        yield LinesView(id="step-header")
        yield LinesView(id="step-table")

    def show(self, document: Document, weighed: Weighed, effect: Effect | None) -> None:
        """Draw the document's selected step, if it is another than before.

        ``weighed`` gives a number of its candidates, for a table that has room for more than five.
        ``effect`` is what dials that are shown make of it.
        """
        table = self.query_one("#step-table", LinesView)
        width, height = table.size
        selected = document.selected()
        if not width:
            return  # not laid out, or hidden
        if document.cursor is None and document.next_token is not None:
            self._show_next(document, document.next_token, width, height)
            return
        if effect is not None:
            self._show_effect(effect, width, height)
            return
        self.border_title = _TITLE
        position = _position(document)
        step_id = id(selected[1]) if selected is not None else None
        drawn = (step_id, width, height, document.is_running, *position)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if selected is None:
            self._candidates = 0
            self._show_nothing()
            return
        turn, step = selected
        if isinstance(step, TokenStep):
            candidates = weighed(height - _ROWS_BESIDE)
            step = replace(step, distribution=replace(step.distribution, candidates=candidates))
        rows = step.hypotheses if isinstance(step, BeamStep) else step.distribution.candidates
        self._candidates = len(rows)
        header, body = _contents(turn, step, width, height)
        self.query_one("#step-header", LinesView).update_rows([_title(*position), *header])
        table.update_rows(body)

    def on_click(self, event: events.Click) -> None:
        """Tell which candidate was clicked."""
        table = self.query_one("#step-table", LinesView)
        number = int(event.screen_y) - table.region.y  # the first row is the heading
        if table.region.contains_point(event.screen_offset) and 1 <= number <= self._candidates:
            self.post_message(self.CandidateClicked(number))

    def _show_effect(self, effect: Effect, width: int, height: int) -> None:
        """Draw the step under the dials beside what it was."""
        drawn = (effect, width, height)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._candidates = 0
        self.border_title = _UNDER_DIALS
        where = effect.index, effect.count, effect.texts
        rows = step_rows(effect.look, *where, width, height + _EFFECT_HEADER)
        self.query_one("#step-header", LinesView).update_rows(rows[:_EFFECT_HEADER])
        self.query_one("#step-table", LinesView).update_rows(rows[_EFFECT_HEADER:])

    def _show_next(
        self, document: Document, next_token: NextToken, width: int, height: int
    ) -> None:
        """Draw what is weighed for the token after the end, which a person may choose."""
        drawn = (id(next_token), width, height)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._candidates = len(next_token.distribution.candidates)
        last = document.turns[-1]
        index = len(last.steps) if last.is_open else 0
        mode = document.weighed_for[0].mode if document.weighed_for is not None else ""
        title: Row = [
            (f"step {number(index)}", "bold"),
            (" · ", DIM),
            ("◇ yours to choose", CHOSEN),
        ]
        header = choice_header(next_token.distribution, mode, width)
        self.query_one("#step-header", LinesView).update_rows([title, *header])
        table = choice_table(next_token.distribution, width)
        self.query_one("#step-table", LinesView).update_rows(table)

    def _show_nothing(self) -> None:
        self.query_one("#step-header", LinesView).update_rows(
            [
                [("At every step, the five tokens that", DIM)],
                [("the model weighed most stand here.", DIM)],
            ]
        )
        self.query_one("#step-table", LinesView).update_rows(
            [
                [("raw", CHOSEN), ("    what the model gave a token", DIM)],
                [("final", CHOSEN), ("  after the preset's settings,", DIM)],
                [("       or the setting that cut it", DIM)],
            ]
        )


def _position(document: Document) -> tuple[int, int, str]:
    """Return which step of its run is shown, of how many, and whether it is the live one."""
    selected = document.selected()
    if selected is None:
        return 0, 0, ""
    turn, step = selected
    state = "live" if document.is_running else ""
    return step.index, len(turn.steps), "looking back" if document.cursor is not None else state


def _title(index: int, count: int, state: str) -> Row:
    parts: Row = [(f"step {number(index)}", "bold")]
    if state != "live":
        parts.append((f" of {count:,}", DIM))
    if state:
        style = "$text-success" if state == "live" else "$text-warning"
        parts += [(" · ", DIM), (("● " if state == "live" else "◀ ") + state, style)]
    return parts


def _contents(turn: Turn, step: Step, width: int, height: int) -> tuple[list[Row], list[Row]]:
    if isinstance(step, TokenStep):
        return step_header(step, turn.settings.mode, width), candidate_table(step, width)
    before = turn.steps[step.index - 1] if 0 < step.index <= len(turn.steps) else None
    previous = before if isinstance(before, BeamStep) else None
    is_over = turn.finished is not None and step.index == len(turn.steps) - 1
    why = [shorten(row, width) for row in standing_rows(turn, step)]
    room = height - 1 if height >= _ROOM_FOR_WHY else height
    rows = beam_list(step, previous, width, room, is_over=is_over)
    left = height - len(rows)
    # Two numbers that are compared stand together or not at all.
    told = why if len(why) <= left else why[: min(1, left)]
    return beam_header(step, turn.settings.length_penalty, width), [*rows, *told]
