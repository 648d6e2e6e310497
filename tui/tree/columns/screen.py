"""Runs side by side as they come: columns, where and why they part, and what each came to.

Must never change the document but by what a person goes on with, and puts no run's text through
markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from core.playground.looking.beside import Beside
from core.playground.playground import Playground
from core.records.errors import PlaygroundError
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.breakpoints import HEIGHTS, WIDTHS
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import shorten
from tui.inputs.name_preset import NamePresetScreen
from tui.tree.columns.rows import dice_told, figure_rows, spread_row, title_row
from tui.tree.columns.view import ColumnView

_FRAMES_PER_SECOND = 10
_NARROWEST = 33
"""The least cells of a column; where there is no room for all, some are out of sight."""

SaveRuns = Callable[[tuple[int, ...], Callable[[str], None]], None]


class ColumnsScreen(Screen[int | None]):
    """Shows what stands side by side; gives the column that a person goes on with, if any.

    Args:
        playground: Whose columns they are.
        why: Explains the step that the document looks at.
        save: Asks for a file and writes runs there.
        changed: Has what was begun here listened to.
    """

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    PAGE = "side by side"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        playground: Playground,
        why: Callable[[], None],
        save: SaveRuns,
        changed: Callable[[], None],
    ) -> None:
        super().__init__()
        self._playground = playground
        self._columns = playground.columns
        self._why = why
        self._save = save
        self._changed = changed
        self._first = 0
        self._said = ""
        self._was_running = True

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield LinesView(id="columns-title")
        with Horizontal(id="columns-body"):
            for at in range(len(self._columns.runs)):
                yield ColumnView(at)
        with Horizontal(id="columns-figures") as figures:
            figures.border_title = "figures"
            yield LinesView(id="columns-rows")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Follow what comes."""
        self.set_interval(1 / _FRAMES_PER_SECOND, self._follow)
        self._focus_column()

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._laid_out)

    def on_screen_resume(self) -> None:
        """Go where a person has gone on from the page that explains a step."""
        if self._playground.document.is_running:
            self.dismiss(None)
        else:
            self._columns.come_back()
            self.call_after_refresh(self._paint)

    @property
    def _beside(self) -> Beside:
        beside = self._columns.beside
        if beside is None:
            raise RuntimeError("nothing stands side by side")
        return beside

    def _views(self) -> list[ColumnView]:
        return list(self.query(ColumnView))

    # Painting

    def _follow(self) -> None:
        is_running = self._columns.is_running
        if is_running or self._was_running:
            self._paint()
        if is_running != self._was_running:
            self._was_running = is_running
            self.refresh_bindings()

    def _laid_out(self) -> None:
        """Show as many columns as there is room for, that with the keys among them."""
        if not self.is_mounted:
            return
        count, focused = len(self._columns.runs), self._beside.focused
        room = min(count, max(1, self.size.width // _NARROWEST))
        self._first = max(0, min(self._first, focused, count - room))
        self._first = max(self._first, focused - room + 1)
        for view in self._views():
            view.display = self._first <= view.at < self._first + room
        rows = self.query_one("#columns-rows")
        rows.styles.height = count + 1 + self._has_spread
        self.call_after_refresh(self._paint)

    @property
    def _has_spread(self) -> bool:
        chosen = self._columns.chosen
        return chosen is not None and chosen.way == "seeds"

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        beside = self._beside
        for view in self._views():
            if view.display:
                view.show(beside)
        self._paint_title()
        table = self.query_one("#columns-rows", LinesView)
        rows = figure_rows(beside, table.size.width)
        if self._has_spread:
            rows.append(spread_row(beside.columns, table.size.width))
        table.update_rows(rows)

    def _paint_title(self) -> None:
        columns = self._columns
        shown = [view.at for view in self._views() if view.display]
        dice = dice_told(self._beside, is_of_tree=columns.chosen is None)
        row = title_row(self._beside, columns.prompt, shown, self._said or dice)
        title = self.query_one("#columns-title", LinesView)
        title.update_rows([shorten(row, title.size.width)])

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._paint()

    # What a person does

    def _focus_column(self) -> None:
        self._said = ""
        for view in self._views():
            if view.at == self._beside.focused:
                view.text.focus()
        self._laid_out()

    def action_other_column(self, offset: int) -> None:
        """Give the keys to the next column, or the one before."""
        self._beside.focus(self._beside.focused + offset)
        self._focus_column()

    @on(ColumnView.Clicked)
    def _clicked(self, event: ColumnView.Clicked) -> None:
        self._beside.focus(event.column)
        if event.step >= 0:
            self._beside.look_at(event.step)
        self._focus_column()

    def action_step(self, offset: int) -> None:
        """Look at a later token, or an earlier one."""
        self._said = ""
        self._beside.move(offset)
        self._paint()

    def action_next(self, offset: int) -> None:
        """Go to the next step at which a column parts from the baseline, or the one before."""
        if self._beside.go_to_parting(forward=offset > 0):
            self._focus_column()
        else:
            self._say("no column says anything else than the baseline")

    def action_together(self) -> None:
        """Have the cursors move together, or apart."""
        self._beside.toggle_together()
        self._said = ""
        self._paint()

    def action_figures(self) -> None:
        """On a small screen, show the figures in the place of the candidates; again: back."""
        self.toggle_class("-figures")
        self._laid_out()

    def action_new_dice(self) -> None:
        """Run all of it again with new dice."""
        chosen = self._columns.chosen
        if self._columns.is_running or chosen is None:
            self._say("the columns still run" if chosen else "these did not run together")
            return
        focused = self._beside.focused
        try:
            self._columns.begin(chosen, self._columns.prompt, has_new_dice=True)
        except PlaygroundError as error:
            self._say(str(error))
            return
        self._beside.focus(focused)
        self._was_running = True
        self._changed()
        self._say("new dice")

    def action_stop(self) -> None:
        """Stop all columns."""
        self._columns.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether ``action`` can be done now."""
        if action in ("stop", "close"):
            return self._columns.is_running == (action == "stop")
        return True

    def action_go_on(self) -> None:
        """Make the column that has the keys the document."""
        if self._is_ready():
            self.dismiss(self._beside.focused)

    def action_why(self) -> None:
        """Explain the step that is looked at in the column that has the keys."""
        if self._looks_closer():
            self._why()

    def action_fork(self, number: int) -> None:
        """Go on with a candidate in the place of the token that is looked at."""
        if not self._looks_closer():
            return
        self._playground.by_hand.take(number)
        if self._playground.document.is_running:
            self._changed()
            self.dismiss(None)
            return
        self._columns.come_back()
        told = self._playground.notices.current
        self._say(told.text if told is not None else "")

    def _looks_closer(self) -> bool:
        """Have the document look at the step that is looked at here; return whether it does."""
        beside = self._beside
        column, at = beside.columns[beside.focused], beside.cursor(beside.focused)
        if not column.steps:
            self._say("this column has no step yet")
        elif self._is_ready():
            step = len(column.token_ids) - 1 if at is None else at
            self._columns.look_closer(beside.focused, step)
            return True
        return False

    def _is_ready(self) -> bool:
        """Return whether the column with the keys is a run of the tree; tell why not."""
        if self._columns.is_running:
            self._say("the columns still run")
        elif not self._columns.runs[self._beside.focused].node_id:
            self._say("this column never began")
        else:
            return True
        return False

    def action_save_preset(self) -> None:
        """Ask for a name, and save the settings of the column that has the keys as a preset."""
        turn = self._columns.runs[self._beside.focused].document.turns[-1]
        save = self._playground.next_run.save_preset
        self.app.push_screen(
            NamePresetScreen(turn.settings, save), lambda told: self._say(told or "")
        )

    def action_save(self) -> None:
        """Save all columns to a file."""
        nodes = tuple(self._columns.nodes())
        if self._columns.is_running or not nodes:
            self._say("what is there can be saved when the columns have ended")
        else:
            self._save(nodes, self._say)

    def action_close(self) -> None:
        """Go back to the document; what has come stays in the tree."""
        self.dismiss(None)
