"""The app: lays out the screen, carries keys to the playground, and paints what it says.

Must never import torch, transformers or a model: the backend factory is called on the worker
thread, after the first paint.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.screen import Screen
from textual.timer import Timer

from core.playground.fetching import Fetching
from core.playground.model_state import Clock, ModelFactory
from core.playground.playground import Playground
from core.playground.runs import Changes
from core.presets.book import PresetBook
from core.records.errors import PlaygroundError
from tui.actions.bindings import bindings
from tui.actions.everywhere import OF_THE_APP
from tui.actions.keys import Keys
from tui.app.guide import KeyActions
from tui.app.models import ModelActions
from tui.app.screenshot import Screenshots
from tui.app.steps import StepActions
from tui.common.dialog import DialogScreen
from tui.common.visible import fit, visible_token
from tui.inputs.typed_text import as_text
from tui.look.appearance import Appearance, AppearanceFile
from tui.look.themes import INK, PAPER, readable_variables
from tui.main.preset_list import PresetList
from tui.main.prompt.input import PromptInput
from tui.main.screen import MainScreen
from tui.main.status_line import StatusLine
from tui.main.step_panel import StepPanel
from tui.prose.transcript import Transcript
from tui.terminal.driver import driver_for
from tui.terminal.frame_budget import FrameBudget

DRAINS_PER_SECOND = 40
"""How often it is looked for events while something runs; ``FrameBudget`` may let some wait."""

_SHOWN_OF_A_COPY = 36
_COPY_SECONDS = 3.0

STATUS_INTERVAL = 0.25
"""The least time between two status lines, in seconds, unless something began or ended."""


def _commands() -> type[Provider]:
    from tui.app.palette import PlaygroundCommands

    return PlaygroundCommands


class PlaygroundApp(StepActions, ModelActions, KeyActions, Screenshots):
    """See how a language model decides."""

    TITLE = "gpt2-playground"
    CSS_PATH = ["../main/screen.tcss", "../common/boxes.tcss"]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = bindings(OF_THE_APP)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}

    def __init__(
        self,
        make_model: ModelFactory,
        book: PresetBook,
        *,
        preset_name: str | None = None,
        seed: int | None = None,
        fetch: str = "",
        fetching: Fetching | None = None,
        keys: Keys | None = None,
        clock: Clock = time.monotonic,
        appearance_file: AppearanceFile | None = None,
    ) -> None:
        super().__init__()
        self.keys = keys if keys is not None else Keys()
        self.playground = Playground(
            make_model,
            book,
            preset_name=preset_name,
            seed=seed,
            fetching=fetching,
            told=self.keys.told,
            clock=clock,
        )
        self.set_keymap(self.keys.keymap)
        self._fetch_at_start = fetch
        self.main = MainScreen(book)
        self._clock = clock
        self._status_due = 0.0
        self._frames = FrameBudget()
        self._drain_timer: Timer | None = None
        self.register_theme(INK)
        self.register_theme(PAPER)
        self._appearance_file = appearance_file
        appearance = appearance_file.read() if appearance_file is not None else Appearance()
        self.theme = appearance.theme if self.get_theme(appearance.theme) else INK.name
        self._is_tinted_at_start = appearance.is_tinted

    # The screen

    def get_css_variables(self) -> dict[str, str]:
        """Return textual's variables for the theme, with those that make every theme readable."""
        self.theme_variables = readable_variables(self, super().get_css_variables())
        return self.theme_variables

    def get_driver_class(self) -> type[Driver]:
        """Return what reads and draws the terminal."""
        return driver_for(super().get_driver_class())

    def get_default_screen(self) -> Screen[Any]:
        """Return the one screen that everything but the help stands on."""
        return self.main

    def on_ready(self) -> None:
        """The widgets stand: when they are painted, the model may be loaded.

        Before, its imports would take the interpreter from the first frame.
        """
        self._drain_timer = self.set_interval(1 / DRAINS_PER_SECOND, self._drain, pause=True)
        self.main.transcript.set_tinted(self._is_tinted_at_start)
        self.theme_changed_signal.subscribe(self, lambda _theme: self._keep_appearance())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.playground.model.start()
        if self._fetch_at_start:
            self.playground.fetch(self._fetch_at_start)
        self.changed()

    def on_unmount(self) -> None:
        """End the run and the worker thread."""
        self.playground.model.close()

    async def on_event(self, event: events.Event) -> None:
        """Have what is typed or pasted into the document reach the prompt, in its order.

        A notice is for who did the last thing: with the next key it goes.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            event = as_text(event)
        is_input = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if is_input and self.playground.notice is not None:
            self.playground.notice = None
            self._paint_status(is_due=True)
        is_text = isinstance(event, events.Key) and event.is_printable
        if (is_text or isinstance(event, events.Paste)) and self.main.is_active:
            self.main.action_focus_prompt()
        await super().on_event(event)

    # Events to paint

    def _drain(self) -> None:
        """Take over what the worker brought, and paint it once."""
        if not self.is_running:  # it ends: the widgets go before the timer does
            return
        if not self._frames.is_due:
            self._look_again(self._frames.wait)
            return
        changes = self.playground.drain()
        if changes.returned_prompt is not None:
            self.main.prompt.give_back(changes.returned_prompt)
        if changes.anything or self.main.is_behind:
            self._frames.begin_frame(changes.steps)
            self.main.paint(self.playground)
        self._paint_status(is_due=changes.keys)
        if changes.keys:
            self.main.refresh_bindings()
        failure = changes.failure or self._unreadable(changes)
        if failure:
            self.push_screen(DialogScreen("that did not work", failure))
        if not self.playground.is_busy and self._drain_timer is not None:
            self._drain_timer.pause()

    def _unreadable(self, changes: Changes) -> str:
        """Return why a prompt came back, if the status line has no room for it."""
        notice = self.playground.notice
        if changes.returned_prompt is None or notice is None:
            return ""
        return "" if self.main.query_one(StatusLine).has_room_for(notice.text) else notice.text

    def _look_again(self, wait: float) -> None:
        """Stop looking for ``wait`` seconds: every look takes the interpreter from the model."""
        if self._drain_timer is not None:
            self._drain_timer.pause()
            asyncio.get_running_loop().call_later(wait, self._drain_timer.resume)

    def _paint_status(self, *, is_due: bool) -> None:
        now = self._clock()
        if is_due or now >= self._status_due:
            self._status_due = now + STATUS_INTERVAL
            self.main.paint_status(self.playground)

    def changed(self) -> None:
        """Paint after something a person did, and listen if there is something to hear."""
        if not self.is_running:
            return
        self._frames.waive()
        self.main.paint(self.playground)
        self._paint_status(is_due=True)
        self.main.refresh_bindings()
        if self.playground.is_busy and self._drain_timer is not None:
            self._drain_timer.resume()

    # What a person does

    @on(MainScreen.Resized)
    def _resized(self) -> None:
        self.changed()

    @on(PromptInput.Submitted)
    def _submit(self, event: PromptInput.Submitted) -> None:
        if self.playground.send(event.text):
            self.main.prompt.take(event.text)
        self.changed()

    @on(PromptInput.Changed)
    def _typed(self) -> None:
        if self.playground.is_by_hand:  # what the keys do depends on whether there is a text
            self._paint_status(is_due=True)
            self.main.refresh_bindings()

    @on(PresetList.Picked)
    def _picked(self, event: PresetList.Picked) -> None:
        self.playground.pick(event.preset)
        self.changed()

    @on(StepPanel.CandidateClicked)
    def _candidate_clicked(self, event: StepPanel.CandidateClicked) -> None:
        self.playground.take(event.number)
        self.changed()

    @on(Transcript.StepClicked)
    def _step_clicked(self, event: Transcript.StepClicked) -> None:
        self.playground.document.look_at(event.position)
        self.changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        if action == "choose":
            return self.playground.can_choose and not self.main.prompt.text
        return super().check_action(action, parameters)

    def action_pick_preset(self, index: int) -> None:
        """Use a preset from the next run on."""
        self.playground.pick(self.playground.book.presets[index])
        self.changed()

    def action_stop(self) -> None:
        """Stop the run, or take the waiting prompt back."""
        prompt = self.playground.stop()
        if prompt is not None:
            self.main.prompt.give_back(prompt)
        self.changed()

    def action_step(self, offset: int) -> None:
        """Look at an earlier or later step; a run goes on meanwhile."""
        document = self.playground.document
        document.move_cursor(offset)
        self.changed()
        if document.cursor is None:
            self.main.transcript.follow()

    def action_scroll(self, pages: int) -> None:
        """Scroll the document by pages."""
        if not self.main.transcript.max_scroll_y:
            self.say("there is nothing to scroll: all of the document is in sight")
        self.main.transcript.scroll_pages(pages)

    def action_clear(self) -> None:
        """Empty the document."""
        self.playground.clear()
        self.changed()

    def action_restore(self) -> None:
        """Bring the cleared document back."""
        self.playground.restore()
        self.changed()

    def action_copy_text(self) -> None:
        """Copy the document's text."""
        self.copy_to_clipboard(self.main.transcript.plain_text)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy ``text`` to the terminal's clipboard, and say what was copied."""
        super().copy_to_clipboard(text)
        count = "1 character" if len(text) == 1 else f"{len(text):,} characters"
        shown = fit(visible_token(text), _SHOWN_OF_A_COPY).rstrip()
        self.notify(shown, title=f"{count} copied", timeout=_COPY_SECONDS, markup=False)

    def action_toggle_tint(self) -> None:
        """Tint the tokens by surprisal, or draw them plain."""
        self.main.transcript.set_tinted(not self.main.transcript.is_tinted)
        self._keep_appearance()
        self.changed()

    def _keep_appearance(self) -> None:
        if self._appearance_file is None:
            return
        try:
            self._appearance_file.keep(Appearance(self.theme, self.main.transcript.is_tinted))
        except PlaygroundError as error:
            self.notify(str(error), severity="warning", markup=False)

    def action_toggle_light(self) -> None:
        """Switch between the light and the dark theme."""
        self.theme = INK.name if self.theme == PAPER.name else PAPER.name
