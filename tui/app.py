"""The app: lays out the screen, carries keys to the playground, and paints what it says.

Must never import torch, transformers or a model: the backend factory is called on the worker
thread, after the first paint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import App
from textual.command import Provider
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from core.model_list import BYTES_TO_FETCH, format_bytes, is_to_fetch
from core.preset_book import PresetBook
from core.scores import ScoredText
from tui.fetching import Fetching
from tui.model_state import Clock, ModelFactory
from tui.playground import Playground
from tui.screens.dialog import DialogScreen
from tui.screens.main import MainScreen
from tui.themes import INK, PAPER
from tui.widgets.preset_list import PresetList
from tui.widgets.prompt_input import PromptInput
from tui.widgets.transcript import Transcript

DRAINS_PER_SECOND = 12
"""How often events are taken over and painted while something runs."""

MANY_STEPS = 60
"""As many steps in one drain are more than a person can follow: the next one may wait, since
painting takes its time from a model that is as fast as that."""

STATUS_INTERVAL = 0.25
"""The least time between two status lines, in seconds, unless something began or ended."""


def _commands() -> type[Provider]:
    from tui.palette import PlaygroundCommands

    return PlaygroundCommands


class PlaygroundApp(App[None]):
    """See how a language model decides."""

    TITLE = "gpt2-playground"
    CSS_PATH = ["styles/main.tcss", "styles/boxes.tcss"]  # noqa: RUF012 - textual declares it
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
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__()
        self.playground = Playground(
            make_model, book, preset_name=preset_name, seed=seed, fetching=fetching, clock=clock
        )
        self._fetch_at_start = fetch
        self.main = MainScreen(book)
        self._clock = clock
        self._status_due = 0.0
        self._rests = 0
        self._drain_timer: Timer | None = None
        self.register_theme(INK)
        self.register_theme(PAPER)
        self.theme = INK.name

    # The screen

    def get_default_screen(self) -> Screen[Any]:
        """Return the one screen that everything but the help stands on."""
        return self.main

    def on_ready(self) -> None:
        """The first frame stands: now the model may be loaded."""
        self._drain_timer = self.set_interval(1 / DRAINS_PER_SECOND, self._drain, pause=True)
        self.playground.model.start()
        if self._fetch_at_start:
            self.playground.fetch(self._fetch_at_start)
        self._changed()

    def on_unmount(self) -> None:
        """End the run and the worker thread."""
        self.playground.model.close()

    # Events to paint

    def _drain(self) -> None:
        """Take over what the worker brought, and paint it once."""
        if self._rests:
            self._rests -= 1
            return
        changes = self.playground.drain()
        self._rests = min(2, changes.steps // MANY_STEPS)
        if changes.returned_prompt is not None:
            self.main.prompt.give_back(changes.returned_prompt)
        if changes.anything:
            self.main.paint(self.playground)
        self._paint_status(is_due=changes.keys)
        if changes.keys:
            self.main.refresh_bindings()
        if changes.failure:
            self.push_screen(DialogScreen("that did not work", changes.failure))
        if not self.playground.is_busy and self._drain_timer is not None:
            self._drain_timer.pause()

    def _paint_status(self, *, is_due: bool) -> None:
        now = self._clock()
        if is_due or now >= self._status_due:
            self._status_due = now + STATUS_INTERVAL
            self.main.paint_status(self.playground)

    def _changed(self) -> None:
        """Paint after something a person did, and listen if there is something to hear."""
        self.main.paint(self.playground)
        self._paint_status(is_due=True)
        self.main.refresh_bindings()
        if self.playground.is_busy and self._drain_timer is not None:
            self._drain_timer.resume()

    # What a person does

    @on(PromptInput.Submitted)
    def _submit(self, event: PromptInput.Submitted) -> None:
        if self.playground.send(event.text):
            self.main.prompt.take(event.text)
        self._changed()

    @on(PresetList.Picked)
    def _picked(self, event: PresetList.Picked) -> None:
        self.playground.pick(event.preset)
        self._changed()

    @on(Transcript.StepClicked)
    def _step_clicked(self, event: Transcript.StepClicked) -> None:
        session = self.playground.session
        current = session.cursor if session.cursor is not None else session.step_count() - 1
        self.action_step(event.position - current)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        playground = self.playground
        if action == "stop":
            is_fetching = playground.model.fetching.name is not None
            is_running = playground.session.is_running
            return is_running or is_fetching or playground.queued_prompt is not None
        if action == "clear":
            return bool(playground.session.turns)
        if action == "restore":
            return playground.branches.can_restore
        if action == "fetch_offered":
            return playground.model.fetch_offer is not None
        if action == "switch":
            return playground.model.fetching.arrived is not None
        if action == "history":
            return bool(playground.branches.history.nodes)
        if action in ("undo", "redo"):
            return not playground.session.is_running
        if action == "choose":
            return playground.is_by_hand and self.main.can_choose(playground.session)
        if action in ("step", "why", "scrub"):
            return playground.session.step_count() > 0
        return True

    def action_pick_preset(self, index: int) -> None:
        """Use a preset from the next run on."""
        self.playground.pick(self.playground.book.presets[index])
        self._changed()

    def action_stop(self) -> None:
        """Stop the run, or take the waiting prompt back."""
        prompt = self.playground.stop()
        if prompt is not None:
            self.main.prompt.give_back(prompt)
        self._changed()

    def action_step(self, offset: int) -> None:
        """Look at an earlier or later step; a run goes on meanwhile."""
        self.playground.session.move_cursor(offset)
        self._changed()

    def action_scroll(self, pages: int) -> None:
        """Scroll the document by pages."""
        self.main.transcript.scroll_pages(pages)

    def action_clear(self) -> None:
        """Empty the document."""
        self.playground.clear()
        self._changed()

    def action_restore(self) -> None:
        """Bring the cleared document back."""
        self.playground.restore()
        self._changed()

    def action_load_again(self) -> None:
        """Try to load the model once more."""
        self.playground.model.load_again()
        self._changed()

    # Looking into a step, and branching

    def action_why(self) -> None:
        """Explain the selected step."""
        from tui.screens.why import WhyScreen

        if not isinstance(self.screen, WhyScreen):
            self.playground.session.hold_cursor()
            self.push_screen(WhyScreen(self.playground), lambda _: self._changed())

    def on_why_screen_forked(self, event: Message) -> None:
        """Go on with another candidate than the one that was chosen."""
        from tui.screens.why import WhyScreen

        if isinstance(event, WhyScreen.Forked):
            self.pop_screen()
            self.playground.fork(event.chosen)
            self._changed()

    def action_scrub(self) -> None:
        """Move the settings over the selected run, to see what they would have changed."""
        from core.explain import look_up
        from tui.screens.scrub import ScrubResult, ScrubScreen

        playground = self.playground
        recorded = playground.branches.recorded()
        selected = playground.session.selected()
        if recorded is None or selected is None or not playground.is_free_to_branch():
            playground.say_unless("only a greedy or sampling run can be scrubbed")
            self._changed()
            return
        run, step = recorded
        first = playground.session.first_position(selected[0])

        def scrubbed(result: ScrubResult | None) -> None:
            if result is not None:
                self._leave_why()
                pick = None
                if result.pick is not None:
                    pick = look_up(run, result.step, result.pick, result.settings)
                playground.rerun(first + result.step, result.settings, pick)
                self._changed()

        preset = playground.book.presets[0]
        named = [one for one in playground.book.presets if one.name == selected[0].preset_name]
        self.push_screen(
            ScrubScreen(
                run,
                named[0] if named else preset,
                playground.book.presets,
                step,
                playground.save_preset,
            ),
            scrubbed,
        )

    def _leave_why(self) -> None:
        from tui.screens.why import WhyScreen

        if isinstance(self.screen, WhyScreen):
            self.pop_screen()

    def action_write_here(self) -> None:
        """Put typed text in the place of the selected step's token."""
        from tui.screens.input import InputScreen

        def written(was_taken: bool | None) -> None:
            if was_taken:
                self._leave_why()
                self._changed()

        self.push_screen(
            InputScreen(
                "instead of this token",
                self.playground.fork_text,
                hint="any text; a word begins with its space",
                accept="goes on from it",
            ),
            written,
        )

    def action_history(self) -> None:
        """Show the tree of all runs."""
        from tui.screens.history import HistoryScreen

        if self.playground.is_free_to_branch():
            branches = self.playground.branches
            screen = HistoryScreen(branches.history, branches.token_text, self.playground.go)
            self.push_screen(screen, self._history_left)
        else:
            self._changed()

    def _history_left(self, _result: object) -> None:
        self.playground.branches.follow()
        self._changed()

    def action_score(self) -> None:
        """Ask of any text which presets could have written it."""
        from tui.screens.score import ScoreScreen

        self.push_screen(ScoreScreen(self.playground.score, self.playground.book.presets))

    def action_score_document(self) -> None:
        """Score the document: what each token of prompt and continuation cost."""
        from tui.screens.score import ScoreScreen

        playground = self.playground
        document, token_ids = playground.session.text, playground.session.token_ids

        def score(text: str, is_cancelled: Callable[[], bool]) -> ScoredText:
            # The document's own tokens need not be those that its text would be encoded to.
            return playground.score(token_ids if text == document else text, is_cancelled)

        self.push_screen(ScoreScreen(score, playground.book.presets, document))

    def action_undo(self) -> None:
        """Go back to the document before the last run."""
        self.playground.undo()
        self._changed()

    def action_redo(self) -> None:
        """Take back an undo."""
        self.playground.redo()
        self._changed()

    def action_by_hand(self) -> None:
        """Take each step oneself, or let the preset run."""
        self.playground.toggle_by_hand()
        self._changed()

    def action_choose(self, number: int) -> None:
        """Choose candidate ``number`` of the newest step and go one step on."""
        self.playground.choose(number)
        self._changed()

    # Models

    def action_models(self) -> None:
        """Pick another model."""
        from tui.screens.models import ModelsScreen

        info = self.playground.model.info
        self.push_screen(ModelsScreen(info.name if info is not None else ""), self._model_picked)

    def _model_picked(self, name: str | None) -> None:
        if name is None:
            return
        if is_to_fetch(name):
            self._ask_to_fetch(name)
        else:
            self.playground.use_model(name)
        self._changed()

    def action_fetch_offered(self) -> None:
        """Fetch the model that was asked for and is not here, after a question."""
        name = self.playground.model.fetch_offer
        if name is not None:
            self._ask_to_fetch(name)

    def _ask_to_fetch(self, name: str) -> None:
        size = BYTES_TO_FETCH.get(name)
        what = f"{name} ({format_bytes(size)})" if size is not None else name
        self.push_screen(
            DialogScreen(
                f"fetch {name}?",
                f"{what} is not on this machine. It comes from the hub into the Hugging Face"
                " cache, in the background: the model at hand stays usable, Esc cancels, and what"
                " has come is kept for another time.",
                accept="fetches it",
            ),
            lambda is_accepted: self._fetch(name) if is_accepted else None,
        )

    def _fetch(self, name: str) -> None:
        self.playground.fetch(name)
        self._changed()

    def action_switch(self) -> None:
        """Switch to the model that has been fetched."""
        if self.playground.model.fetching.arrived is not None:
            self.playground.use_model(self.playground.model.fetching.arrived)
            self._changed()

    def action_copy_text(self) -> None:
        """Copy the document's text."""
        self.copy_to_clipboard(self.main.transcript.text)

    def action_toggle_tint(self) -> None:
        """Tint the tokens by surprisal, or draw them plain."""
        self.main.transcript.set_tinted(not self.main.transcript.is_tinted)
        self._changed()

    def action_toggle_light(self) -> None:
        """Switch between the light and the dark theme."""
        self.theme = INK.name if self.theme == PAPER.name else PAPER.name

    def action_inspect(self) -> None:
        """Look into the model that runs."""
        from tui.screens.inspector import InspectorScreen

        if not any(isinstance(screen, InspectorScreen) for screen in self.screen_stack):
            self.push_screen(InspectorScreen(self.playground))

    def action_help(self) -> None:
        """Explain the screen."""
        from tui.screens.help import HelpScreen

        book = self.playground.book
        self.push_screen(HelpScreen(book.presets, str(book.path)))
