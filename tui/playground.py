"""What the app knows and decides: the session, the service, the preset, what waits.

Must never touch a widget: it is told what a person did, drains the service, and says what changed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.backends.base import Request
from core.errors import PlaygroundError
from core.preset_book import Preset, PresetBook
from core.preset_writer import save_preset
from core.prompt_tokens import PromptToken
from core.scores import Scorable, ScoredText
from core.service import (
    GenerationService,
    LoadFailed,
    Loading,
    Ready,
    ServiceEvent,
)
from core.session import Session
from core.settings import Settings
from core.steps import BeamStep, Candidate, Finished, TokenStep
from tui.branches import Branches
from tui.fetching import Fetching
from tui.model_state import Clock, ModelFactory, ModelState

CHANGED = "*"
"""Stands behind the name of a preset whose settings were changed for one run."""


@dataclass(slots=True)
class Changes:
    """What one drain brought: whether anything to paint, a prompt to give back.

    ``failure`` is a sentence that a person should not miss.
    """

    anything: bool = False
    keys: bool = False
    returned_prompt: str | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person who just did something, shown until the next thing happens."""

    text: str
    is_warning: bool = False


class Playground:
    """The state behind the screen; all calls come from the app's thread."""

    def __init__(
        self,
        make_model: ModelFactory,
        book: PresetBook,
        *,
        preset_name: str | None = None,
        seed: int | None = None,
        fetching: Fetching | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.book = book
        self.preset = book.named(preset_name) if preset_name is not None else book.presets[0]
        self.queued_prompt: str | None = None
        self.notice: Notice | None = None
        self.branches = Branches()
        self.is_by_hand = False
        self._clears_at_end = False
        self._is_stopping = False
        self._service = GenerationService()
        fetching = fetching if fetching is not None else Fetching()
        self.model = ModelState(make_model, self._service, fetching, clock)
        self._seed = seed

    # What can be asked

    @property
    def session(self) -> Session:
        """The document at hand."""
        return self.branches.session

    @property
    def is_busy(self) -> bool:
        """Whether events are still to come, so that the service must be drained."""
        return self.session.is_running or self.model.is_busy

    @property
    def is_stopping(self) -> bool:
        """Whether the running turn has been told to stop."""
        return self._is_stopping

    def prompt_tokens(self, text: str) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of ``text``; any thread may call it.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self.model.prompt_tokens(text, is_beginning=not self.session.turns)

    def score(self, text: Scorable, is_cancelled: Callable[[], bool]) -> ScoredText:
        """Score ``text`` under the model and all presets; any thread may call it, but waits.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, or the text cannot be scored.
        """
        return self._service.score(text, self.book.presets, is_cancelled)

    # What a person does

    def use_model(self, name: str) -> None:
        """Switch to another model; the document stays, and a run is stopped first."""
        self.notice = None
        self.model.use(name)

    def fetch(self, name: str) -> None:
        """Fetch a model in the background; the one at hand stays usable."""
        complaint = self.model.fetching.start(name)
        self.notice = Notice(complaint, is_warning=True) if complaint else None

    def send(self, prompt: str) -> bool:
        """Run ``prompt``, or queue it while the model loads; return whether it was taken."""
        if self.model.load_error is not None:
            self.notice = Notice("no model is loaded, so nothing can run", is_warning=True)
            return False
        if self.preset.chat is not None and not prompt.strip():
            self.notice = Notice("in a conversation, type a message first", is_warning=True)
            return False
        if self.session.is_running and not self._clears_at_end:
            self.notice = Notice("still running — Esc stops it; your text stays here", True)
            return False
        if self.model.info is None or self._clears_at_end:
            if self.queued_prompt is not None:
                self.notice = Notice("one prompt is waiting already; your text stays here", True)
                return False
            self.queued_prompt = prompt
            self.notice = None
            return True
        self._begin(prompt)
        return True

    def stop(self) -> str | None:
        """Stop the run, or take back the prompt that waits (returned), or stop the download."""
        if self.session.is_running:
            self._is_stopping = True
            self._service.cancel()
            return None
        if self.queued_prompt is None and self.model.fetching.name is not None:
            self.model.fetching.cancel()
            return None
        prompt, self.queued_prompt = self.queued_prompt, None
        return prompt

    def pick(self, preset: Preset) -> None:
        """Use ``preset`` from the next run on."""
        self.preset = preset
        running = self.session.is_running
        self.notice = Notice(f"{preset.name} applies to the next run") if running else None

    def clear(self) -> None:
        """Empty the document, stopping what runs first."""
        if self.session.is_running:
            self._clears_at_end = True
            self.stop()
            return
        self._clears_at_end = False
        if self.session.turns:
            self.branches.clear()
            self.notice = Notice("cleared — ctrl+l again brings it back")

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self.is_free_to_branch():
            self.branches.restore()
            self.notice = None

    # Looking back and branching

    def go(self, node_id: int) -> None:
        """Go to the document of any run of the history."""
        if self.is_free_to_branch():
            self.branches.go(node_id)
            self.notice = None

    def undo(self) -> None:
        """Go back to the document before the last run."""
        if self.is_free_to_branch():
            was_there = self.branches.undo()
            self.notice = None if was_there else Notice("there is nothing to undo")

    def redo(self) -> None:
        """Take back an undo."""
        if self.is_free_to_branch():
            was_there = self.branches.redo()
            self.notice = None if was_there else Notice("there is nothing to redo")

    def fork(self, candidate: Candidate, settings: Settings | None = None) -> None:
        """Put ``candidate`` where the selected step's token stands, and write on from there.

        With ``settings`` for those, else with the preset's.
        """
        selected = self.session.selected()
        if selected is None or not self.is_free_to_branch():
            return
        step = selected[1]
        if not isinstance(step, TokenStep):
            self.notice = Notice("beams weigh whole texts; pick another preset to branch", True)
            return
        self.branches.leave(self.session.position)
        self._submit(
            self.session.branch(
                step.token,
                candidate,
                self.preset.name,
                settings or self._settings(),
                self.model.info,
            )
        )

    def fork_text(self, text: str) -> None:
        """Put typed ``text`` where the selected step's token stands, and write on from there.

        Raises:
            PlaygroundError: There is nothing to put there, or it cannot be put there now.
        """
        selected = self.session.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            raise PlaygroundError("only in a greedy or sampling run can text take a token's place")
        if not text:
            raise PlaygroundError("type what should stand there; a word begins with its space")
        if not self.is_free_to_branch():
            raise PlaygroundError("wait until the run is over, or stop it with Esc")
        self.branches.leave(self.session.position)
        self._submit(
            self.session.branch_text(
                selected[1].token, text, self.preset.name, self._settings(), self.model.info
            )
        )

    def rerun(self, position: int, settings: Settings, pick: Candidate | None = None) -> None:
        """Write on from before the step at ``position`` with other settings.

        With ``pick`` for the token that they choose there.
        """
        turn = self.session.turn_at(position)
        if turn is None or not self.is_free_to_branch():
            return
        step = turn.steps[position - self.session.first_position(turn)]
        name = turn.preset_name.removesuffix(CHANGED) + CHANGED
        self.branches.leave(position)
        if pick is None or not isinstance(step, TokenStep):
            request = self.session.begin("", name, settings, self.model.info)
        else:
            request = self.session.branch(step.token, pick, name, settings, self.model.info)
        self._submit(request)

    def save_preset(self, name: str, settings: Settings) -> str:
        """Save a preset to the file that the user owns; return what to tell them.

        Raises:
            PlaygroundError: The name is taken or wrong, or the file cannot be written.
        """
        path = save_preset(self.book, name, settings)
        return f"saved as {name} in {path}; it is there from the next start on"

    def toggle_by_hand(self) -> None:
        """Take each step oneself from now on, or let the preset run again."""
        self.is_by_hand = not self.is_by_hand
        how = "by hand: Enter takes the next step, 1 to 5 choose another candidate"
        self.notice = Notice(how if self.is_by_hand else "the preset runs by itself again")

    def choose(self, number: int) -> None:
        """Put candidate ``number`` of the newest step in its place and go one step on."""
        selected = self.session.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            return
        step = selected[1]
        candidates = step.distribution.candidates
        if number > len(candidates):
            return
        if candidates[number - 1].token_id == step.token.token_id:
            self.send("")
        else:
            self.fork(candidates[number - 1])

    def say_unless(self, sentence: str) -> None:
        """Give a notice, unless there is one that says why already."""
        self.notice = self.notice or Notice(sentence, is_warning=True)

    def is_free_to_branch(self) -> bool:
        """Return whether the document can be changed now; a notice says why not."""
        if self.model.info is None:
            self.notice = Notice("the model is not ready yet", is_warning=True)
        elif self.session.is_running:
            self.notice = Notice("still running — Esc stops it", is_warning=True)
        else:
            return True
        return False

    # What the service says

    def drain(self) -> Changes:
        """Apply everything that the service brought since the last call."""
        changes = Changes()
        self._drain_fetching(changes)
        for event in self._service.drain():
            changes.anything = True
            if isinstance(event, TokenStep | BeamStep):
                changes.keys |= event.index == 0  # now there is a step to look back at
                self.session.apply(event)
            else:
                changes.keys = True
                self._apply(event, changes)
        return changes

    def _drain_fetching(self, changes: Changes) -> None:
        has_news, end = self.model.fetching.drain()
        changes.anything |= has_news
        if end is None:
            return
        changes.keys = True
        if not end.message:
            self.notice = Notice(f"{end.name} is here")
        elif end.was_cancelled:
            self.notice = Notice(end.message)
        else:
            changes.failure = end.message

    def _apply(self, event: ServiceEvent, changes: Changes) -> None:
        if isinstance(event, Loading | Ready | LoadFailed):
            self.model.apply(event)
            self._apply_loading(event, changes)
        elif isinstance(event, Finished):
            self._finish(event, changes)
        else:
            self.session.apply(event)

    def _apply_loading(self, event: Loading | Ready | LoadFailed, changes: Changes) -> None:
        if isinstance(event, Ready):
            self._begin_queued()
        elif isinstance(event, LoadFailed):
            # The document covers the place where the error would stand.
            if event.falls_back or self.session.turns:
                changes.failure = event.message
            if not event.falls_back:
                changes.returned_prompt, self.queued_prompt = self.queued_prompt, None

    def _finish(self, event: Finished, changes: Changes) -> None:
        turn = self.session.turns[-1]
        self.session.apply(event)
        self._is_stopping = False
        if turn.started is not None:
            self.branches.add()
        else:
            changes.returned_prompt = turn.prompt
            self.notice = Notice(event.detail or "the run failed before it started", True)
        if self._clears_at_end:
            self.clear()
        self._begin_queued()

    def _begin_queued(self) -> None:
        is_free = self.model.info is not None and not self.session.is_running
        if self.queued_prompt is not None and is_free:
            prompt, self.queued_prompt = self.queued_prompt, None
            self._begin(prompt)

    def _begin(self, prompt: str) -> None:
        preset = self.preset
        self._submit(
            self.session.begin(prompt, preset.name, self._settings(), self.model.info, preset.chat)
        )

    def _submit(self, request: Request) -> None:
        """Run what the session's last turn asks for, recording it for looking back."""
        self.notice = None
        self.session.turns[-1].is_by_hand = self.is_by_hand
        recorder = self.branches.begin()
        self._service.submit(dataclasses.replace(request, recorder=recorder))

    def _settings(self) -> Settings:
        settings = self.preset.settings
        if self.is_by_hand:
            settings = settings.replace(max_new_tokens=1, min_new_tokens=None, max_length=None)
        if self._seed is None or settings.seed is not None:
            return settings
        return settings.replace(seed=self._seed)
