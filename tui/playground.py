"""What the app knows and decides: the session, the service, the preset, what waits.

Must never touch a widget: it is told what a person did, drains the service, and says what changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.backends.base import ModelInfo
from core.models.report_records import ModelReport
from core.preset_book import Preset, PresetBook
from core.prompt_tokens import PromptToken
from core.service import (
    BackendFactory,
    GenerationService,
    LoadFailed,
    Loading,
    Ready,
    ServiceEvent,
)
from core.session import Session, Turn
from core.settings import Settings
from core.steps import BeamStep, Finished, TokenStep

Clock = Callable[[], float]

CLOSING_SECONDS = 0.5
"""How long the worker may take to end; a longer step ends with the process."""


@dataclass(slots=True)
class Changes:
    """What one drain brought: whether anything to paint, and a prompt to give back."""

    anything: bool = False
    keys: bool = False
    returned_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person who just did something, shown until the next thing happens."""

    text: str
    is_warning: bool = False


class Playground:
    """The state behind the screen; all calls come from the app's thread."""

    def __init__(
        self,
        backend_factory: BackendFactory,
        book: PresetBook,
        *,
        preset_name: str | None = None,
        seed: int | None = None,
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
        self._factory = backend_factory
        self._service = GenerationService()
        self._seed = seed
        self._clock = clock

    # What can be asked

    @property
    def is_busy(self) -> bool:
        """Whether events are still to come, so that the service must be drained."""
        return self.loading_stage is not None or self.session.is_running

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

    # What a person does

    def start(self) -> None:
        """Start the worker thread and load the model."""
        self._await_model()
        self._service.start(self._factory)

    def _await_model(self) -> None:
        self.loading_stage, self.loading_share, self.load_error = "starting", None, None
        self._loading_since = self._clock()

    def load_again(self) -> None:
        """Try to load the model once more after it failed."""
        if self.load_error is None:
            return
        self._await_model()
        self._service.load(self._factory)

    def close(self) -> None:
        """End the run and the worker thread."""
        self._service.close(timeout=CLOSING_SECONDS)

    def send(self, prompt: str) -> bool:
        """Run ``prompt``, or queue it while the model loads; return whether it was taken."""
        if self.load_error is not None:
            self.notice = Notice("no model is loaded, so nothing can run", is_warning=True)
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
        """Stop the run, or take back the prompt that waits for the model (returned)."""
        if self.session.is_running:
            self._is_stopping = True
            self._service.cancel()
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
        for event in self._service.drain():
            changes.anything = True
            if isinstance(event, TokenStep | BeamStep):
                changes.keys |= event.index == 0  # now there is a step to look back at
                self.session.apply(event)
            else:
                changes.keys = True
                self._apply(event, changes)
        return changes

    def _apply(self, event: ServiceEvent, changes: Changes) -> None:
        if isinstance(event, Loading):
            self.loading_stage, self.loading_share = event.stage, event.share
        elif isinstance(event, Ready):
            self.info, self.loading_stage, self.load_error = event.info, None, None
            self._begin_queued()
        elif isinstance(event, LoadFailed):
            self.load_error, self.loading_stage = event.message, None
            changes.returned_prompt, self.queued_prompt = self.queued_prompt, None
        elif isinstance(event, Finished):
            self._finish(event, changes)
        else:
            self.session.apply(event)

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
        if self.queued_prompt is not None and not self.session.is_running:
            prompt, self.queued_prompt = self.queued_prompt, None
            self._begin(prompt)

    def _begin(self, prompt: str) -> None:
        self.notice = None
        self._cleared = None
        request = self.session.begin(prompt, self.preset.name, self._settings())
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
