"""The actions on runs: the tree of all of them, and some side by side.

Must never decide what runs: the playground does. Pages are imported when opened.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from core.playground.looking.choosing import ChosenColumns
from core.playground.playground import Playground
from tui.app.steps import StepActions
from tui.main.screen import MainScreen


class RunActions:
    """What a person does with runs: goes to another one, or sets several side by side."""

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
        return (self.tree, self.compare)

    def tree(self) -> None:
        """Show the tree of all runs."""
        from tui.tree.screen import TreeScreen

        playground = self._playground
        if playground.runs.allows_change():
            screen = TreeScreen(
                playground.documents,
                playground.lookup.token_text_of,
                playground.moves.go,
                told=playground.told,
                save=self._steps.save_picked,
                beside=self._beside,
            )
            self._app.push_screen(screen, lambda _result: self._changed())
        else:
            self._changed()

    def _beside(self, first: int, second: int, close: Callable[[], object]) -> bool:
        """Set two runs of the tree side by side, if they can be; ``close`` leaves the tree."""
        if not self._playground.columns.of_runs(first, second):
            return False
        self._show("", close)
        return True

    def compare(self) -> None:
        """Ask what is to stand side by side, and run it."""
        from tui.tree.columns.choosing import ChooseColumnsScreen

        playground, prompt = self._playground, self._main.prompt.text
        if not playground.runs.allows_change():
            self._changed()
            return
        next_run = playground.next_run
        presets, names = next_run.presets, [one.name for one in next_run.book.presets]
        picked = next_run.preset.name  # of a session, it may be none of the book
        at = names.index(picked) if picked in names else 0
        chosen = ChosenColumns(presets, presets[at])
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

    def _show(self, prompt: str, gone_on: Callable[[], object] = lambda: None) -> None:
        from tui.tree.columns.screen import ColumnsScreen

        def closed(column: int | None) -> None:
            playground = self._playground
            has_gone_on = column is not None and playground.columns.go_on_with(column)
            if has_gone_on or playground.document.is_running:  # the prompt is part of it now
                self._main.prompt.take(prompt)
                gone_on()
            self._changed()

        steps = self._steps
        screen = ColumnsScreen(self._playground, steps.why, steps.save_picked, self._changed)
        self._app.push_screen(screen, closed)
