"""The app: the screen, the parts that act on it, and what a person does carried to them.

Must never import torch, transformers or a model: the backend factory is called on the worker
thread, after the first paint.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

from core.playground.fetching import Fetching
from core.playground.model_state import Clock, ModelFactory
from core.playground.playground import Playground
from core.presets.book import PresetBook
from core.presets.key_name import key_name
from core.presets.watching import PresetsWatch
from core.sessions.folder import SessionsFolder
from core.sessions.opening import Session
from tui.actions.bindings import bindings
from tui.actions.everywhere import OF_THE_APP
from tui.actions.keys import Keys
from tui.app.appearance import AppearanceActions
from tui.app.document import DocumentActions
from tui.app.guide import Guide
from tui.app.models import ModelActions
from tui.app.painting import Painting
from tui.app.runs import RunActions
from tui.app.screenshot import save_picture
from tui.app.sessions import SessionActions
from tui.app.steps import StepActions
from tui.app.terminal.driver import driver_for
from tui.app.turning import TurningActions
from tui.common.visible import fit, visible_prose, visible_token
from tui.inputs.typed_text import as_text
from tui.look.appearance import AppearanceFile
from tui.look.themes import readable_variables
from tui.main.preset_list import PresetList
from tui.main.prompt.input import PromptInput
from tui.main.screen import MainScreen
from tui.main.step_panel import StepPanel
from tui.prose.transcript import Transcript

_SHOWN_OF_A_COPY = 36
_COPY_SECONDS = 3.0
_SAVED_SOON = 1.0
"""So many seconds a disk has for what waits while the last frame still stands on the screen."""


def _commands() -> type[Provider]:
    from tui.app.palette import PlaygroundCommands

    return PlaygroundCommands


class PlaygroundApp(App[None]):
    """See how a language model decides."""

    class PresetsSaved(Message):
        """The presets file is another one now; the playground has it."""

    TITLE = "gpt2-playground"
    CSS_PATH = [  # noqa: RUF012 - textual declares it
        "../main/screen.tcss",
        "../prose/marks.tcss",
        "../common/rows.tcss",
        "../common/boxes.tcss",
    ]
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
        session: Session | None = None,
        sessions: SessionsFolder | None = None,
        watch: PresetsWatch | None = None,
    ) -> None:
        super().__init__()
        self.fault: BaseException | None = None
        """The exception that ended the app, if one did."""
        self.error_console.quiet = True  # textual's tells of it with the values of variables
        self.keys = keys if keys is not None else Keys()
        self.playground = Playground(
            make_model,
            book,
            preset_name=preset_name,
            seed=seed,
            fetching=fetching,
            told=self.keys.told,
            taken_keys=self.keys.taken,
            clock=clock,
            session=session,
            watch=watch,
        )
        self.is_saved = True
        """Whether all that was to be saved is, once the app has ended; it may still come to be."""
        self.set_keymap(self.keys.keymap)
        self._fetch_at_start = fetch
        self.main = MainScreen(book)
        self.painting = Painting(self, self.main, self.playground, clock)
        changed = self.painting.changed
        self.guide = Guide(self, self.playground, self.keys, changed)
        self.document = DocumentActions(self, self.main, self.playground, changed, self.guide.say)
        self.steps = StepActions(self, self.main, self.playground, changed)
        self.runs = RunActions(self, self.main, self.playground, self.steps, changed)
        self.turning = TurningActions(self, self.main, self.playground, changed, self.document.send)
        self.models = ModelActions(self, self.playground, changed)
        self.appearance = AppearanceActions(self, self.main, appearance_file, changed)
        self.sessions = SessionActions(
            self, self.playground, sessions, changed, lambda text: self.main.prompt.give_back(text)
        )
        self.painting.opened = self.sessions.opened
        parts = (self.guide, self.document, self.steps, self.turning, self.runs, self.models)
        for part in (*parts, self.appearance, self.sessions):
            for action in part.actions():  # where textual looks for what a key calls
                setattr(self, f"action_{action.__name__}", action)

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
        """The widgets stand: once they are painted, the model's imports may begin."""
        self.painting.start()
        self.appearance.start()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.playground.model.start()
        self.playground.presets_file.start(lambda: self.post_message(self.PresetsSaved()))
        self.main.prompt.recall(self.playground.prompts.sent)
        self.sessions.start()
        if self._fetch_at_start:
            self.playground.model.fetch(self._fetch_at_start)
        self.painting.changed()

    def on_unmount(self) -> None:
        """End the run and the worker thread, and save what waits."""
        self.sessions.close()
        self.appearance.close()
        self.is_saved = self.playground.close(_SAVED_SOON)

    def deliver_screenshot(
        self,
        filename: str | None = None,
        path: str | None = None,
        time_format: str | None = None,
    ) -> str | None:
        """Save the screen in the folder ``path`` and say where; see ``App``."""
        save_picture(self, filename or "", path or "", time_format or "")
        return None

    def copy_to_clipboard(self, text: str) -> None:
        """Copy ``text`` to the terminal's clipboard, and say what was copied."""
        text = text.encode(errors="backslashreplace").decode()  # halves of characters have no UTF-8
        super().copy_to_clipboard(text)
        count = "1 character" if len(text) == 1 else f"{len(text):,} characters"
        shown = fit(visible_token(text), _SHOWN_OF_A_COPY).rstrip()
        self.notify(shown, title=f"{count} copied", timeout=_COPY_SECONDS)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Tell something over the page; see ``App``. What it tells is data: never markup."""
        super().notify(
            visible_prose(message),
            title=visible_prose(title),
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def bell(self) -> None:
        """Ring; or keep the exception for which textual is ending the app, which it tells so."""
        if not self._keep_fault():
            super().bell()

    def panic(self, *renderables: Any) -> None:  # noqa: ANN401 - whatever rich can draw
        """End the app; see ``App``. Exceptions that can draw themselves come here."""
        self._keep_fault()
        super().panic(*renderables)

    def _keep_fault(self) -> bool:
        error = sys.exception()
        # textual sets 1, for an exception, before anyone hears of that.
        if self.return_code != 1 or error is None:
            return False
        self.fault = self.fault or error
        return True

    @on(PresetsSaved)
    def _presets_saved(self) -> None:
        self.painting.listen()

    # What a person does

    async def on_event(self, event: events.Event) -> None:
        """Have what is typed or pasted into the document reach the prompt, in its order.

        A notice is for who did the last thing: with the next key it goes. The key of a preset comes
        before what the prompt does with it; the app's own are refused to presets.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            event = as_text(event)
        is_input = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if is_input and self.playground.notices.current is not None:
            self.playground.notices.clear()
            self.painting.paint_status()
        if is_input:
            self.playground.runs.rest()
            self.call_after_refresh(self.playground.runs.go_on)
        is_text = isinstance(event, events.Key) and event.is_printable
        if (is_text or isinstance(event, events.Paste)) and self.main.is_active:
            self.main.action_focus_prompt()
        if isinstance(event, events.Key) and not event.is_forwarded and self.main.is_active:
            index = self.playground.next_run.book.index_of_key(event.key)
            if index is not None:
                await self.run_action(f"pick_preset({index})")
                return
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing, where it does nothing."""
        self.guide.answer(event.key)

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is written; see ``App``."""
        return binding.key_display or key_name(binding.key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        if action == "choose":
            return self.playground.by_hand.can_choose and not self.main.prompt.text
        return self.guide.can_do(action)

    @on(MainScreen.Resized)
    def _resized(self) -> None:
        self.painting.changed()

    @on(PromptInput.Submitted)
    def _submit(self, event: PromptInput.Submitted) -> None:
        self.document.send(event.text)

    @on(PromptInput.Changed)
    def _typed(self) -> None:
        # By hand, what the keys do depends on whether there is a text.
        if self.playground.next_run.is_by_hand:
            self.painting.paint_status()
            self.main.refresh_bindings()

    @on(PresetList.Picked)
    def _picked(self, event: PresetList.Picked) -> None:
        self.playground.next_run.pick(event.preset)
        self.painting.changed()

    @on(StepPanel.CandidateClicked)
    def _candidate_clicked(self, event: StepPanel.CandidateClicked) -> None:
        self.document.take(event.number)

    @on(Transcript.StepClicked)
    def _step_clicked(self, event: Transcript.StepClicked) -> None:
        self.document.look_at(event.position)
