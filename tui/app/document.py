"""The actions on the document at hand: write on, stop, look along it, clear, undo, by hand.

Must never decide what they do: the playground does.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from core.playground.playground import Playground
from tui.main.screen import MainScreen


class DocumentActions:
    """What a person does with the document, carried to the playground and painted."""

    def __init__(
        self,
        app: App[None],
        main: MainScreen,
        playground: Playground,
        changed: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._app = app
        self._main = main
        self._playground = playground
        self._changed = changed
        self._say = say

    def actions(self) -> tuple[Callable[..., None], ...]:
        """Return what keys call, by these names."""
        return (
            self.pick_preset,
            self.stop,
            self.step,
            self.scroll,
            self.clear,
            self.restore,
            self.copy_text,
            self.undo,
            self.redo,
            self.by_hand,
            self.choose,
            self.new_dice,
        )

    def send(self, prompt: str) -> None:
        """Run what was typed; it stays in the line where it was not taken."""
        if self._playground.prompts.send(prompt):
            self._main.prompt.take(prompt)
        self._changed()

    def pick_preset(self, index: int) -> None:
        """Use a preset from the next run on."""
        self._playground.next_run.pick(self._playground.next_run.book.presets[index])
        self._changed()

    def stop(self) -> None:
        """Stop the run, or take the waiting prompt back."""
        prompt = self._playground.stop()
        if prompt is not None:
            self._main.prompt.give_back(prompt)
        self._changed()

    def step(self, offset: int) -> None:
        """Look at an earlier or later step; a run goes on meanwhile."""
        self._playground.cursor.move(offset)
        self._changed()
        if self._playground.document.cursor is None:
            self._main.transcript.follow()

    def look_at(self, position: int) -> None:
        """Look at the step at ``position``, counted over the whole document."""
        self._playground.cursor.look_at(position)
        self._changed()

    def scroll(self, pages: int) -> None:
        """Scroll the document by pages."""
        if not self._main.transcript.max_scroll_y:
            self._say("there is nothing to scroll: all of the document is in sight")
        self._main.transcript.scroll_pages(pages)

    def clear(self) -> None:
        """Empty the document."""
        self._playground.moves.clear()
        self._changed()

    def restore(self) -> None:
        """Bring the cleared document back."""
        self._playground.moves.restore()
        self._changed()

    def copy_text(self) -> None:
        """Copy the document's text."""
        self._app.copy_to_clipboard(self._main.transcript.plain_text)

    def undo(self) -> None:
        """Go back to the document before the last run."""
        self._playground.moves.undo()
        self._changed()

    def redo(self) -> None:
        """Take back an undo."""
        self._playground.moves.redo()
        self._changed()

    def by_hand(self) -> None:
        """Take each step oneself, or let the preset run."""
        self._playground.by_hand.toggle()
        self._changed()

    def new_dice(self) -> None:
        """Throw new dice at the next run, or take that back."""
        self._playground.next_run.dice.toggle()
        told = self._playground.notices.current
        if self._app.screen is not self._main and told is not None:
            self._app.notify(told.text)
        self._changed()

    def choose(self, number: int) -> None:
        """Choose candidate ``number`` of the newest step and go one step on."""
        self._playground.by_hand.choose(number)
        self._changed()

    def take(self, number: int) -> None:
        """Go on with candidate ``number`` of those that are shown."""
        self._playground.by_hand.take(number)
        self._changed()
