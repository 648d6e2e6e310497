"""Two runs compared: their common beginning, where they part, and how each goes on.

Must never change a tree, and puts no run's text through markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen

from core.document.tree import Tree
from core.document.tree_records import TreeRow
from core.playground.looking.document_text import TokenText, document_texts
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import visible_prose
from tui.prose.view import ProseView
from tui.tree.comparison_rows import (
    PARTING,
    common_pieces,
    common_title,
    difference_rows,
    side_pieces,
    side_title,
)
from tui.tree.rows import title

_MOST_ROWS, _MOST_ROWS_SHORT = 12, 6


class ComparisonScreen(Screen[None]):
    """The two side by side, or one under the other where it is narrow.

    Raises:
        PlaygroundError: The tokens of the two do not mean the same text.
    """

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (100, "-beside")]  # noqa: RUF012 - textual's
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - textual declares it
    PAGE = "two runs"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        tree: Tree,
        first: TreeRow,
        second: TreeRow,
        token_text: TokenText | None,
        save: Callable[[tuple[int, ...], Callable[[str], None]], None],
    ) -> None:
        super().__init__()
        self._save = save
        self._said = ""
        self._rows = first, second
        ids = first.node.node_id, second.node.node_id
        self._comparison = tree.compare(*ids)
        self._texts = [document_texts(tree, one, token_text) for one in ids]

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        common = self._comparison.common
        yield LinesView(id="comparison-title")
        view = ProseView(id="comparison-common")
        view.border_title = common_title(common)
        yield view
        with Container(id="comparison-sides"):
            for at, (row, texts) in enumerate(zip(self._rows, self._texts, strict=True)):
                side = ProseView(id=f"comparison-{at}")
                side.border_title = Content(side_title(row, len(texts) - common))
                yield side
        with Container(id="comparison-differences") as box:
            box.border_title = "what differs in their settings"
            yield LinesView(id="comparison-rows")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Show the texts, each from where the two part."""
        common = self._comparison.common
        self.query_one("#comparison-common", ProseView).show(common_pieces(self._texts[0][:common]))
        for at, texts in enumerate(self._texts):
            own = texts[common:]
            side = self.query_one(f"#comparison-{at}", ProseView)
            side.show(side_pieces(own), PARTING if own else -1)
        self.query_one("#comparison-0").focus()

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        first, second = self._rows
        row: Row = [
            (" compare", "bold " + CHOSEN),
            (f"  {title(first)}", NUMBER),
            (" with ", DIM),
            (title(second), NUMBER),
        ]
        if self._said:
            row.append((f"  {visible_prose(self._said)}", DIM))
        self.query_one("#comparison-title", LinesView).update_rows([row])
        view = self.query_one("#comparison-rows", LinesView)
        most = _MOST_ROWS if self.has_class("-tall") else _MOST_ROWS_SHORT
        rows = difference_rows(self._comparison, self._rows, view.size.width, most)
        view.styles.height = len(rows)
        view.update_rows(rows)
        common = self.query_one("#comparison-common", ProseView)
        # as high as its lines, where there is room; the end is what one wants to see
        common.styles.height = min(most, common.virtual_size.height) + common.gutter.height
        common.call_after_refresh(common.scroll_end, animate=False, force=True)

    def action_save(self) -> None:
        """Save the two runs as one file."""
        first, second = (row.node.node_id for row in self._rows)
        self._save((first, second), self._say)

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._draw()

    def action_other_side(self) -> None:
        """Scroll the other side from now on."""
        first, second = self.query_one("#comparison-0"), self.query_one("#comparison-1")
        (first if second.has_focus else second).focus()

    def action_close(self) -> None:
        """Go back to the tree."""
        self.dismiss()
