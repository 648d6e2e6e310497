"""The tree of runs: look through it, go to any of them, name, compare and remove.

Must never change the document itself: whoever opens the screen says what going to a run does. No
text of a run goes through markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen

from core.document.tree_records import LONGEST_NAME, ROOT, Removal, TreeRow
from core.playground.documents import Documents
from core.playground.looking.document_text import TokenText
from core.records.errors import PlaygroundError
from tui.actions.bindings import bindings
from tui.actions.keys import THE_TABLES
from tui.actions.pages import PAGES
from tui.common.dialog import DialogScreen
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import visible_prose
from tui.inputs.screen import InputScreen
from tui.prose.transcript import LONGEST_LINE
from tui.tree.comparison import ComparisonScreen
from tui.tree.rows import (
    EMPTY_DOCUMENT,
    details,
    empty_rows,
    guides,
    head_row,
    place,
    root_row,
    run_row,
    title,
)

_NOT_A_RUN = "the empty document is no run; pick one with ↓"


SaveRuns = Callable[[tuple[int, ...], Callable[[str], None]], None]
"""Asks for a file and writes there what is picked: a run with its branch, or two runs.

What came of it is given to the second argument, as a sentence.
"""


Beside = Callable[[int, int, Callable[[], object]], bool]
"""Sets two runs side by side where they answer the same prompt, and returns whether they do.

What is called as third leaves the tree. It raises ``PlaygroundError``.
"""


def _nothing_beside(_first: int, _second: int, _close: Callable[[], object]) -> bool:
    return False


def _save_nothing(_picked: tuple[int, ...], say: Callable[[str], None]) -> None:
    say("nothing can be saved here")


class TreeScreen(Screen[None]):
    """All runs as a tree, with what is known of the picked one below it.

    Args:
        documents: Whose tree it is; this screen names and removes runs.
        token_text_of: Returns what names a token under the model of a run, for comparisons.
        go: Makes the document that of a run, or the empty one for ``ROOT``.
    """

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - textual declares it
    PAGE = "the tree"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        documents: Documents,
        token_text_of: Callable[[int], TokenText | None],
        go: Callable[[int], None],
        *,
        told: Callable[[str], str] = THE_TABLES.told,
        save: SaveRuns = _save_nothing,
        beside: Beside = _nothing_beside,
    ) -> None:
        super().__init__()
        self._save = save
        self._beside = beside
        self._told = told
        self._documents = documents
        self._token_text_of = token_text_of
        self._tree = documents.tree
        self._go = go
        self._runs: list[TreeRow] = []
        self._marked = ROOT
        self._said = ""
        self._said_at = ROOT

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield LinesView(id="tree-title")
        yield LinesView(id="tree-head")
        yield RowPicker(id="tree-rows")
        with Vertical(id="tree-details"):
            yield LinesView(id="tree-run")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin at the cursor."""
        self.query_one(RowPicker).focus()
        self.call_after_refresh(self._show, self._tree.cursor)

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._draw)

    @property
    def picked(self) -> int:
        """The id of the run that is picked, ``ROOT`` for the empty document."""
        row = self._picked_row()
        return row.node.node_id if row is not None else ROOT

    def _picked_row(self) -> TreeRow | None:
        index = self.query_one(RowPicker).picked
        return self._runs[index - 1] if 0 < index <= len(self._runs) else None

    def _show(self, node_id: int) -> None:
        """Read the tree anew, and pick run ``node_id``."""
        self._runs = list(self._tree.rows())
        if all(row.node.node_id != self._marked for row in self._runs):
            self._marked = ROOT
        self._draw()
        ids = [ROOT, *(row.node.node_id for row in self._runs)]
        self.query_one(RowPicker).pick_row(ids.index(node_id))
        self._draw_details()

    def _draw(self) -> None:
        picker = self.query_one(RowPicker)
        width = picker.scrollable_content_region.width
        if not width:
            return
        runs = {row.node.node_id: row.node.run for row in self._runs}
        rows = [root_row(width, is_cursor=self._tree.cursor == ROOT)]
        rows += [
            run_row(row, guide, runs.get(row.node.beginning.parent), width, self._marked)
            for row, guide in zip(self._runs, guides(self._runs), strict=True)
        ]
        picker.show_rows(rows)
        self.query_one("#tree-head", LinesView).update_rows([head_row(width)])
        self._draw_details()

    def _draw_details(self) -> None:
        box, view = self.query_one("#tree-details"), self.query_one("#tree-run", LinesView)
        row = self._picked_row()
        width, height = view.size
        if row is not None:
            box.border_title = Content(f"{title(row)} · {place(row)}")
            view.update_rows(details(row, min(width, LONGEST_LINE), height))
        else:
            box.border_title = EMPTY_DOCUMENT
            does = "empties the document; no run is lost by it"
            hint: Row = [(f"{self._told('go')} {does}", DIM)]
            view.update_rows([hint] if self._runs else empty_rows(width))
        self._draw_title()

    def _draw_title(self) -> None:
        count = len(self._runs)
        row: Row = [
            (" tree", "bold " + CHOSEN),
            (f"  {count:,} {'run' if count == 1 else 'runs'}", NUMBER),
        ]
        said = self._said
        if not said and self._marked != ROOT:
            said = f"◆ run {self._marked} is marked: c compares it with the run you pick"
        if said:
            row.append((f"  {visible_prose(said)}", DIM))
        self.query_one("#tree-title", LinesView).update_rows([row])

    def _say(self, sentence: str) -> None:
        """Tell something until another run is picked."""
        self._said, self._said_at = sentence, self.picked
        self._draw_title()

    @on(RowPicker.Moved)
    def _moved(self) -> None:
        if self.picked != self._said_at:
            self._said = ""
        self._draw_details()

    @on(RowPicker.Picked)
    def _chosen(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        """Make the document that of the picked run, and close."""
        try:
            self._go(self.picked)
        except PlaygroundError as error:
            self._say(str(error))
            return
        self.dismiss()

    def action_name(self) -> None:
        """Name the picked run."""
        row = self._picked_row()
        if row is None:
            self._say(_NOT_A_RUN)
            return
        node_id = row.node.node_id
        self.app.push_screen(
            InputScreen(
                f"name run {node_id}",
                lambda name: self._documents.rename(node_id, name),
                hint=f"one line, at most {LONGEST_NAME} characters; nothing takes the name away",
                accept="names it",
                value=row.name,
            ),
            lambda _: self._show(node_id),
        )

    def action_mark(self) -> None:
        """Mark the picked run for a comparison, or take the mark away."""
        if self.picked == ROOT:
            self._say(_NOT_A_RUN)
            return
        self._marked = ROOT if self.picked == self._marked else self.picked
        self._said = ""
        self._draw()

    def action_compare(self) -> None:
        """Compare the picked run with the marked one."""
        row, marked = self._picked_row(), self._marked
        if marked == ROOT:
            self._say("mark a run with m first, then pick another and press c")
        elif row is None or row.node.node_id == marked:
            self._say("pick another run to compare the marked one with")
        else:
            other = next(one for one in self._runs if one.node.node_id == marked)
            try:
                if self._beside(marked, row.node.node_id, self.dismiss):
                    return
                token_text = self._token_text_of(marked)
                screen = ComparisonScreen(self._tree, other, row, token_text, self._save)
            except PlaygroundError as error:
                self._say(str(error))
            else:
                self.app.push_screen(screen)

    def action_save(self) -> None:
        """Save the picked run with its branch, or all runs."""
        self._save((self.picked,), self._say)

    def action_remove(self) -> None:
        """Remove the picked run and all that grew from it, after a question."""
        row = self._picked_row()
        if row is None:
            self._say("the empty document cannot be removed; pick a run with ↓")
            return
        removal = self._tree.plan_removal(row.node.node_id)
        question = removal.question
        if self._tree.cursor in removal.node_ids:
            parent = row.node.beginning.parent
            left = "empty" if parent == ROOT else f"that of run {parent}"
            question += f"\n\nThe document at hand is part of it, and becomes {left}."
        self.app.push_screen(
            DialogScreen("remove it for good?", question, accept="removes"),
            lambda is_accepted: self._remove_runs(removal) if is_accepted else None,
        )

    def _remove_runs(self, removal: Removal) -> None:
        parent = self._tree.node(removal.node_ids[0]).beginning.parent
        refusal = ""
        try:
            self._documents.remove(removal)
        except PlaygroundError as error:
            refusal = str(error)
        self._show(parent)
        if refusal:
            self._say(refusal)

    def action_close(self) -> None:
        """Go back without going anywhere in the tree."""
        self.dismiss()
