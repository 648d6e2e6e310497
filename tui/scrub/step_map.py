"""All steps of a scrubbed run in one line.

Must never lay anything out: it draws one line.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from core.looking_back.other_settings.look import Look
from tui.common.lines_view import LinesView
from tui.scrub.rows import map_row, step_at


class StepMap(LinesView):
    """Where the run would differ; a click looks at a step."""

    class StepClicked(Message):
        """A person clicked step ``index``."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._count = 0

    def show(self, look: Look | None, selected: int) -> None:
        """Draw the steps of ``look``, of which ``selected`` is set off."""
        scrubbed = look.scrubbed if look is not None else None
        self._count = len(scrubbed.steps) if scrubbed is not None else 0
        self.update_rows([map_row(scrubbed, selected, self.size.width)])

    def on_click(self, event: events.Click) -> None:
        """Tell which step was clicked."""
        if self._count:
            self.post_message(self.StepClicked(step_at(event.x, self._count, self.size.width)))
