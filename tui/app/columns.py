"""The action that sets runs side by side: what is chosen, and what a person goes on with.

Must never decide what runs: the playground does. Pages are imported when opened.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from core.playground.looking.choosing import ChosenColumns
from core.playground.playground import Playground
from tui.app.steps import StepActions
from tui.main.screen import MainScreen


class ColumnActions:
    """What a person does with runs side by side, from the prompt on."""

    def __init__(
        self,
        app: App[None],
        main: MainScreen,
        playground: Playground,
        steps: StepActions,
        changed: Callable[[], None],
    ) -> None:
        self._app = app
        self._main = main
        self._playground = playground
        self._steps = steps
        self._changed = changed

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return (self.compare,)

    def compare(self) -> None:
        """Ask what is to stand side by side, and run it."""
        from tui.tree.columns.choosing import ChooseColumnsScreen

        playground, prompt = self._playground, self._main.prompt.text
        if not playground.runs.allows_change():
            self._changed()
            return
        chosen = ChosenColumns(playground.next_run.book, playground.next_run.preset)
        before = playground.columns.chosen
        if before is not None:
            chosen.seeds, chosen.sweep = before.seeds, before.sweep

        def begun(has_begun: bool | None) -> None:
            if has_begun:
                self._show(prompt)
            self._changed()

        self._app.push_screen(
            ChooseColumnsScreen(chosen, lambda: playground.columns.begin(chosen, prompt)), begun
        )

    def _show(self, prompt: str) -> None:
        from tui.tree.columns.screen import ColumnsScreen

        def closed(column: int | None) -> None:
            if column is not None and self._playground.columns.go_on_with(column):
                self._main.prompt.take(prompt)
            self._changed()

        steps = self._steps
        screen = ColumnsScreen(self._playground, steps.why, steps.save_columns, self._changed)
        self._app.push_screen(screen, closed)
