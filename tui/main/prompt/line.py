"""The frame around the prompt: what it goes on from in its title, its tokens' number below.

Must never draw what a run would not read.
"""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from core.playground.playground import Playground
from core.text.visible import SPECIAL_TOKEN
from tui.common.lines_view import LinesView
from tui.common.step_rows import DIM, line
from tui.main.prompt.input import PromptInput
from tui.main.prompt.seam import LONGEST_END, seam


class PromptLine(Horizontal):
    """Holds the prompt; shows the seam between it and the document while nothing runs."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._end = ""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield PromptInput(id="prompt")
        yield LinesView(id="prompt-count")

    @property
    def plain(self) -> str:
        """The seam as it is drawn, without styles."""
        return "".join(text for text, _ in self._row())

    def follow(self, playground: Playground) -> None:
        """Take over what the next prompt would go on from; a message goes on from nothing."""
        document = playground.document
        goes_on = not document.is_running and playground.next_run.preset.chat is None
        end = document.end(LONGEST_END) if goes_on else ""
        finished = document.turns[-1].finished if end else None
        if finished is not None and finished.reason == "end_of_text":
            end += SPECIAL_TOKEN
        if end != self._end:
            self._end = end
            self._draw()

    def count(self, text: str) -> None:
        """Show ``text`` as the number of the prompt's tokens."""
        self.border_subtitle = text
        self.query_one("#prompt-count", LinesView).update_rows([[(f"{text:>13}", DIM)]])

    def on_resize(self) -> None:
        """Cut both sides of the seam anew."""
        self._draw()

    @on(PromptInput.Changed)
    def _draw(self) -> None:
        self.border_title = line(self._row())

    def _row(self) -> list[tuple[str, str]]:
        return seam(self._end, self.query_one(PromptInput).text, self.outer_size.width)
