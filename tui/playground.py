"""What the app knows and decides: the session, the service, the preset, what waits.

Must never touch a widget: it is told what a person did, drains the service, and says what changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.backends.base import Backend, ModelInfo
from core.models.report_records import ModelReport
from core.preset_book import Preset, PresetBook
from core.prompt_tokens import PromptToken
from core.scores import ScoredText
from core.service import (
    GenerationService,
    LoadFailed,
    Loading,
    Ready,
    ServiceEvent,
)
from core.session import Session, Turn
from core.settings import Settings
from core.steps import BeamStep, Finished, TokenStep
from tui.fetching import Fetching

Clock = Callable[[], float]

ModelFactory = Callable[[str | None], Backend]
"""Makes the backend of a model by its name; of the one to begin with where that is ``None``."""

CLOSING_SECONDS = 0.5
"""How long the worker may take to end; a longer step ends with the process."""


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
        self.session = Session()
        self.info: ModelInfo | None = None
        self.loading_stage: str | None = None
        self.loading_share: float | None = None
        self.load_error: str | None = None
        self.queued_prompt: str | None = None
        self.notice: Notice | None = None
        self._cleared: Session | None = None
        self._clears_at_end = False
        self._is_stopping = False
        self._loading_since = 0.0
        self.fetching = fetching if fetching is not None else Fetching()
        self._make_model = make_model
        self._wanted: str | None = None  # the model that is loaded or being loaded, by name
        self._service = GenerationService()
        self._seed = seed
        self._clock = clock

    # What can be asked

    @property
    def is_busy(self) -> bool:
        """Whether events are still to come, so that the service must be drained."""
        return (
            self.loading_stage is not None
            or self.session.is_running
            or self.fetching.name is not None
        )

    @property
    def fetch_offer(self) -> str | None:
        """The model that was asked for, is not here, and is not being fetched."""
        if self.info is None or self.fetching.name is not None or self.fetching.arrived:
            return None
        return self.info.stands_in_for or None

    @property
    def is_stopping(self) -> bool:
        """Whether the running turn has been told to stop."""
        return self._is_stopping

    @property
    def loading_seconds(self) -> float:
        """How long the model has been loading."""
        return self._clock() - self._loading_since

    @property
    def can_restore(self) -> bool:
        """Whether a cleared document can be brought back."""
        return self._cleared is not None and not self.session.turns

    @property
    def context_used(self) -> int:
        """How many tokens of the context the document fills."""
        turns = self.session.turns
        started = turns[-1].started if turns else None
        if started is not None:
            return len(started.context_token_ids) + _generated_count(turns[-1])
        if len(turns) > 1 and (before := turns[-2].started) is not None:
            return len(before.context_token_ids) + _generated_count(turns[-2])
        return 0

    @property
    def context_size(self) -> int:
        """How many tokens the model can hold, 0 while no model is loaded."""
        return self.info.context_size if self.info is not None else 0

    def prompt_tokens(self, text: str) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of ``text``; any thread may call it.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self._service.prompt_tokens(text, is_beginning=not self.session.turns)

    def inspect(self) -> ModelReport:
        """Look into the model that runs; any thread may call it, and it can take seconds.

        Raises:
            PlaygroundError: No model is loaded, or its files cannot be used any more.
        """
        return self._service.inspect()

    def score(self, text: str, is_cancelled: Callable[[], bool]) -> ScoredText:
        """Score ``text`` under the model and all presets; any thread may call it, but waits.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, or the text cannot be scored.
        """
        return self._service.score(text, self.book.presets, is_cancelled)

    # What a person does

    def start(self) -> None:
        """Start the worker thread and load the model."""
        self._await_model()
        self._service.start(lambda: self._make_model(None))

    def _await_model(self) -> None:
        self.info = None
        self.loading_stage, self.loading_share, self.load_error = "starting", None, None
        self._loading_since = self._clock()

    def use_model(self, name: str) -> None:
        """Switch to another model; the document stays, and a run is stopped first."""
        self.notice = None
        if self.fetching.arrived == name:
            self.fetching.arrived = None
        self._wanted = name
        self._load()

    def fetch(self, name: str) -> None:
        """Fetch a model in the background; the one at hand stays usable."""
        complaint = self.fetching.start(name)
        self.notice = Notice(complaint, is_warning=True) if complaint else None

    def _load(self) -> None:
        name = self._wanted
        self._await_model()
        self._service.load(lambda: self._make_model(name))

    def load_again(self) -> None:
        """Try to load the model once more after it failed."""
        if self.load_error is not None:
            self._load()

    def close(self) -> None:
        """End the run, the download and their threads."""
        self.fetching.close()
        self._service.close(timeout=CLOSING_SECONDS)

    def send(self, prompt: str) -> bool:
        """Run ``prompt``, or queue it while the model loads; return whether it was taken."""
        if self.load_error is not None:
            self.notice = Notice("no model is loaded, so nothing can run", is_warning=True)
            return False
        if self.preset.chat is not None and not prompt.strip():
            self.notice = Notice("in a conversation, type a message first", is_warning=True)
            return False
        if self.session.is_running and not self._clears_at_end:
            self.notice = Notice("still running — Esc stops it; your text stays here", True)
            return False
        if self.info is None or self._clears_at_end:
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
        if self.queued_prompt is None and self.fetching.name is not None:
            self.fetching.cancel()
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
            self._cleared, self.session = self.session, Session()
            self.notice = Notice("cleared — ctrl+l again brings it back")

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self._cleared is not None and not self.session.turns:
            self.session, self._cleared = self._cleared, None
            self.notice = None

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
        has_news, end = self.fetching.drain()
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
        if isinstance(event, Loading):
            self.loading_stage, self.loading_share = event.stage, event.share
        elif isinstance(event, Ready):
            self.info, self.loading_stage, self.load_error = event.info, None, None
            self._begin_queued()
        elif isinstance(event, LoadFailed):
            self._apply_failure(event, changes)
        elif isinstance(event, Finished):
            self._finish(event, changes)
        else:
            self.session.apply(event)

    def _apply_failure(self, event: LoadFailed, changes: Changes) -> None:
        if self.session.turns:  # the document covers the place where the error would stand
            changes.failure = event.message
        if event.falls_back:
            changes.failure = event.message
            self.loading_stage, self.loading_share = "bringing the model before back", None
            return
        self.load_error, self.loading_stage = event.message, None
        changes.returned_prompt, self.queued_prompt = self.queued_prompt, None

    def _finish(self, event: Finished, changes: Changes) -> None:
        turn = self.session.turns[-1]
        self.session.apply(event)
        self._is_stopping = False
        if turn.started is None:
            changes.returned_prompt = turn.prompt
            self.notice = Notice(event.detail or "the run failed before it started", True)
        if self._clears_at_end:
            self.clear()
        self._begin_queued()

    def _begin_queued(self) -> None:
        is_free = self.info is not None and not self.session.is_running
        if self.queued_prompt is not None and is_free:
            prompt, self.queued_prompt = self.queued_prompt, None
            self._begin(prompt)

    def _begin(self, prompt: str) -> None:
        self.notice = None
        self._cleared = None
        preset = self.preset
        request = self.session.begin(prompt, preset.name, self._settings(), self.info, preset.chat)
        self._service.submit(request)

    def _settings(self) -> Settings:
        settings = self.preset.settings
        if self._seed is None or settings.seed is not None:
            return settings
        return settings.replace(seed=self._seed)


def _generated_count(turn: Turn) -> int:
    """How many tokens a turn has made, without building the list of them."""
    finished = turn.finished
    if finished is not None and (finished.token_ids or finished.reason != "failed"):
        return len(finished.token_ids)
    return len(turn.steps)
