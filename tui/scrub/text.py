"""The text of a scrubbed run: what would be the same, another, or cut, token by token.

Must never put text through markup, and takes no keys: the screen has them.
"""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.message import Message

from core.looking_back.other_settings.look import Look
from core.records.recorded_run import RecordedRun
from tui.common.rows_view import RowsView
from tui.prose.lines import Line, Prose
from tui.prose.transcript import LONGEST_LINE
from tui.scrub.rows import run_texts, text_pieces, text_row


class ScrubText(RowsView, can_focus=False):
    """Wraps the text; a click on a token looks at its step."""

    class StepClicked(Message):
        """A person clicked the token of step ``index``."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, run: RecordedRun, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._texts = run.start.texts
        context = run.start.context_token_ids
        added = run_texts(context + run.token_ids, self._texts)
        self._prompt = "".join(added[: len(context)])
        self._added = added[len(context) :]
        self._look: Look | None = None
        self._selected = 0
        self._lines: list[Line] = []

    def show(self, look: Look | None, selected: int) -> None:
        """Show the run as ``look`` has it, the token of step ``selected`` set off."""
        self._look, self._selected = look, selected
        self._draw()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Tell whose token was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y + self.scroll_offset.y < len(self._lines):
            return
        x = offset.x
        for piece in self._lines[offset.y + self.scroll_offset.y]:
            x -= cell_len(piece.text)
            if x < 0:
                if piece.step >= 0:
                    self.post_message(self.StepClicked(piece.step))
                return

    def _draw(self) -> None:
        width = min(LONGEST_LINE, self.scrollable_content_region.width)
        if not width:
            return
        scrubbed = self._look.scrubbed if self._look is not None else None
        prose = Prose(width)
        prose.append(text_pieces(self._prompt, self._added, scrubbed, self._texts, width))
        self._lines = prose.lines
        self.show_rows([text_row(line, self._selected) for line in self._lines])
        self._show_selected()

    def _show_selected(self) -> None:
        """Scroll to the selected token where it is out of sight."""
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        for y, line in enumerate(self._lines):
            if any(piece.step == self._selected for piece in line):
                if not top <= y < top + height:
                    at = max(0, y - height // 3)
                    self.scroll_to(0, at, animate=False, immediate=True, force=True)
                return
