"""The actions on the dials: show them, turn the picked preset's settings, save or take them back.

Must never decide what they do: the playground does.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from core.playground.playground import Playground
from core.playground.presets.turning import Turning
from tui.main.dials_panel import DialsPanel
from tui.main.screen import MainScreen


class TurningActions:
    """What a person does with the settings of the next run, carried on and painted."""

    def __init__(
        self,
        app: App[None],
        main: MainScreen,
        playground: Playground,
        changed: Callable[[], None],
        send: Callable[[str], None],
    ) -> None:
        self._app = app
        self._main = main
        self._playground = playground
        self._changed = changed
        self._send = send

    def actions(self) -> tuple[Callable[..., None], ...]:
        """Return what keys call, by these names."""
        return (
            self.dials,
            self.close_dials,
            self.pick_dial,
            self.turn,
            self.turn_far,
            self.reset_dial,
            self.take_back,
            self.recommended,
            self.compare_presets,
            self.next_preset,
            self.run_prompt,
            self.save_preset,
        )

    @property
    def _turning(self) -> Turning:
        return self._playground.turning

    def dials(self) -> None:
        """Show the dials and have the keys turn them; where they do, close them."""
        if self._main.query_one(DialsPanel).has_focus:
            self.close_dials()
            return
        if not self._turning.is_open:
            self._turning.is_open = True
            told = self._playground.lookup.ask()
            if told:
                self._playground.notices.warn(told)
        self._laid_out()
        self._main.query_one(DialsPanel).focus()

    def close_dials(self) -> None:
        """Hide the dials; what they turned stays turned."""
        self._turning.is_open = False
        self._main.prompt.focus()
        self._laid_out()

    def _laid_out(self) -> None:
        self._changed()
        self._app.call_after_refresh(self._changed)  # when the widgets have their new sizes

    def pick_dial(self, offset: int) -> None:
        """Pick the next dial, or the one before."""
        self._turning.pick(self._turning.picked + offset)
        self._changed()

    def turn(self, offset: int) -> None:
        """Turn the picked dial a small step."""
        self._turning.move(offset)
        self._changed()

    def turn_far(self, offset: int) -> None:
        """Turn the picked dial a large step."""
        self._turning.move(offset, is_large=True)
        self._changed()

    def reset_dial(self) -> None:
        """Turn the picked dial back to where the preset has it."""
        self._turning.reset()
        self._changed()

    def take_back(self) -> None:
        """Have the preset's own settings again."""
        self._playground.next_run.take_back()
        self._changed()

    def recommended(self) -> None:
        """Turn the settings to what the model recommends."""
        self._turning.recommend()
        self._changed()

    def compare_presets(self) -> None:
        """Lay the picked preset beside another one, with the selected step under both."""
        from core.playground.presets.sides import Side, other_sides, picked_side
        from tui.main.presets.screen import PresetsScreen

        playground = self._playground
        next_run, turning = playground.next_run, playground.turning
        recorded = None if playground.document.is_running else playground.lookup.recorded()

        def closed(taken: Side | None) -> None:
            if taken is not None and taken.preset is not None:
                if taken.preset is not next_run.preset or next_run.is_changed(taken.preset):
                    next_run.pick(taken.preset)
            elif taken is not None:
                turning.recommend()
            self._changed()

        why = "no step is at hand whose logits are: run a greedy or sampling preset first"
        others = other_sides(next_run, turning)
        self._app.push_screen(PresetsScreen(picked_side(next_run), others, recorded, why), closed)

    def next_preset(self, offset: int) -> None:
        """Pick the preset behind the one that is picked, or before it."""
        next_run = self._playground.next_run
        presets = next_run.book.presets
        at = presets.index(next_run.preset) if next_run.preset in presets else -1
        next_run.pick(presets[(at + offset) % len(presets)])
        self._changed()

    def run_prompt(self) -> None:
        """Run what is typed, as Enter in the prompt does."""
        self._send(self._main.prompt.text)

    def save_preset(self) -> None:
        """Ask for a name, and save the settings as they are turned as a new preset."""
        from tui.inputs.name_preset import NamePresetScreen

        next_run = self._playground.next_run

        def saved(sentence: str | None) -> None:
            if sentence is not None:
                self._playground.notices.say(sentence)
            self._changed()

        box = NamePresetScreen(next_run.turned, lambda name, _settings: next_run.save_turned(name))
        self._app.push_screen(box, saved)
