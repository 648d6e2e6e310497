"""What runs and what waits: the document, the service, the preset, the model, the queue.

Must never touch a widget: it is told what to run, drains the service, and says what changed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core.backends.service import GenerationService, ServiceEvent
from core.document.conversation import open_answer
from core.document.document import Document
from core.playground.documents import Documents
from core.playground.fetching import Fetching
from core.playground.model_state import Clock, ModelFactory, ModelState
from core.presets.book import PresetBook
from core.records.loading import LoadFailed, Loading, Ready
from core.records.prompt_tokens import SPACE_AT_THE_END, ends_in_a_words_space
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import Candidate, EngineChanged, Finished, Step


@dataclass(slots=True)
class Changes:
    """What one drain brought: whether anything to paint, how many steps, a prompt to give back.

    ``failure`` is a sentence that a person should not miss.
    """

    anything: bool = False
    steps: int = 0
    keys: bool = False
    returned_prompt: str | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person who just did something, shown until the next thing happens."""

    text: str
    is_warning: bool = False


CHANGED = "*"
"""Stands behind the name of a preset whose settings were changed for one run."""


ActionTold = Callable[[str], str]
"""How a front end calls an action in a sentence, by its id: the key, where it has one."""


def told_by_name(action_id: str) -> str:
    """Return an action as a sentence calls it where there are no keys: by its own name."""
    return f"“{action_id.replace('_', ' ')}”"


class Runs:
    """Prompts in, records out: one run at a time, one prompt waiting; the playground's base."""

    def __init__(
        self,
        make_model: ModelFactory,
        book: PresetBook,
        *,
        preset_name: str | None = None,
        seed: int | None = None,
        fetching: Fetching | None = None,
        told: ActionTold = told_by_name,
        clock: Clock = time.monotonic,
    ) -> None:
        self.told = told
        self.book = book
        self.preset = book.named(preset_name) if preset_name is not None else book.presets[0]
        self.queued_prompt: str | None = None
        self.notice: Notice | None = None
        self.documents = Documents()
        self.is_by_hand = False
        self._typed = ""
        self._clears_at_end = False
        self._is_stopping = False
        self._has_told_of_space = False
        self._service = GenerationService()
        fetching = fetching if fetching is not None else Fetching()
        self.model = ModelState(make_model, self._service, fetching, clock)
        self._seed = seed

    @property
    def document(self) -> Document:
        """The document at hand."""
        return self.documents.at_hand

    @property
    def is_busy(self) -> bool:
        """Whether events are still to come, so that the service must be drained."""
        return self.document.is_running or self.model.is_busy or self._must_weigh

    @property
    def is_full(self) -> bool:
        """Whether the context has no room for another token; a conversation drops old turns."""
        turns = self.document.turns
        if not turns or self.model.info is None or self.preset.chat is not None:
            return False
        finished, is_same = turns[-1].finished, turns[-1].model_name == self.model.info.name
        return is_same and finished is not None and finished.reason == "context_full"

    @property
    def awaits_message(self) -> bool:
        """Whether only a message can be sent: an answer that has ended cannot be gone on with."""
        has_answer = open_answer(self.document.turns) is not None and not self._clears_at_end
        return self.preset.chat is not None and not has_answer

    @property
    def is_stopping(self) -> bool:
        """Whether the running turn has been told to stop."""
        return self._is_stopping

    def send(self, prompt: str) -> bool:
        """Run ``prompt``, or queue it while the model loads; return whether it was taken."""
        if self.model.load_error is not None:
            self.notice = Notice("no model is loaded, so nothing can run", is_warning=True)
            return False
        if self.document.is_running and not self._clears_at_end:
            self.notice = Notice(f"{self._running}; your text stays here", is_warning=True)
            return False
        is_blank = self.preset.chat is not None and prompt.isspace()
        if is_blank or (self.awaits_message and not prompt):
            self.notice = Notice("in a conversation, type a message first", is_warning=True)
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

    @property
    def _running(self) -> str:
        return f"still running — {self.told('stop')} stops it"

    def stop(self) -> str | None:
        """Stop the run, or take back the prompt that waits (returned), or stop the download."""
        if self.document.is_running:
            self._is_stopping = True
            self._service.cancel()
            return None
        if self.queued_prompt is None and self.model.fetching.name is not None:
            self.model.fetching.cancel()
            return None
        prompt, self.queued_prompt = self.queued_prompt, None
        return prompt

    def clear(self) -> None:
        """Empty the document, stopping what runs first."""
        if self.document.is_running:
            self._clears_at_end = True
            self.stop()
            return
        self._clears_at_end = False
        if self.document.turns:
            self.documents.clear()
            self.notice = Notice(f"cleared — {self.told('clear')} again brings it back")

    @property
    def _must_weigh(self) -> bool:
        """Whether the token after the end is to be weighed, so that a person can choose it."""
        document, info = self.document, self.model.info
        if not self.is_by_hand or info is None or not document.turns or document.is_running:
            return False
        if self.is_full or self.awaits_message or self.queued_prompt is not None:
            return False
        return document.weighed_for != (self._settings(), info.name)

    def drain(self) -> Changes:
        """Apply everything that the service brought since the last call."""
        changes = Changes()
        self._drain_fetching(changes)
        for event in self._service.drain():
            changes.anything = True
            if isinstance(event, Step):
                changes.steps += 1
                changes.keys |= event.index == 0  # now there is a step to look back at
                self.document.apply(event)
            else:
                changes.keys = True
                self._apply(event, changes)
        if self._must_weigh:
            self._service.submit(self.document.weigh_next(self._settings(), self.model.info))
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
        elif isinstance(event, EngineChanged):
            self.model.change_engine(event.engine)
            self.notice = Notice(f"the engine is another one now: {event.engine}", True)
        elif isinstance(event, Finished):
            self._finish(event, changes)
        else:
            self.document.apply(event)

    def _apply_loading(self, event: Loading | Ready | LoadFailed, changes: Changes) -> None:
        if isinstance(event, Ready):
            self.document.forget_next()
            self._begin_queued()
        elif isinstance(event, LoadFailed):
            # The document covers the place where the error would stand.
            if event.falls_back or self.document.turns:
                changes.failure = event.message
            if not event.falls_back:
                changes.returned_prompt, self.queued_prompt = self.queued_prompt, None

    def _finish(self, event: Finished, changes: Changes) -> None:
        was_weighing, has_started = self.document.is_weighing, self.document.has_started
        self.document.apply(event)
        self._is_stopping = False
        if was_weighing:
            if event.reason == "failed":
                self.notice = Notice(event.detail or "the next token could not be weighed", True)
        elif has_started:
            self.documents.add()
        else:
            self.documents.stay()
            changes.returned_prompt = self._typed
            self.notice = Notice(event.detail or "the run failed before it started", True)
        if self._clears_at_end:
            self.clear()
        self._begin_queued()

    def _begin_queued(self) -> None:
        is_free = self.model.info is not None and not self.document.is_running
        if self.queued_prompt is not None and is_free:
            prompt, self.queued_prompt = self.queued_prompt, None
            self._begin(prompt)

    def _begin(self, prompt: str) -> None:
        is_message = bool(prompt) and self.preset.chat is not None
        if self.is_by_hand and self.document.turns and not is_message:
            self._write(prompt or None)
            self._tell_of_space(prompt)
            return
        request = self.document.begin(
            prompt,
            self._preset_name,
            self._settings(),
            self.model.info,
            self.preset.chat,
            is_by_hand=self.is_by_hand,
        )
        self._submit(request, typed=prompt)
        if self.preset.chat is None:
            self._tell_of_space(prompt)

    def _tell_of_space(self, prompt: str) -> None:
        """Say once what a space at a prompt's end does."""
        tokens_of = partial(self.model.prompt_tokens, is_beginning=False)
        if not self._has_told_of_space and ends_in_a_words_space(prompt, tokens_of):
            self._has_told_of_space = True
            self.notice = Notice(SPACE_AT_THE_END, is_warning=True)

    def _write(self, chosen: Candidate | str | None) -> None:
        """Go on by hand: with a candidate, with typed text, or with what the preset draws."""
        request = self.document.write(chosen, self._preset_name, self._settings(), self.model.info)
        self._submit(request, typed=chosen if isinstance(chosen, str) else "")

    def _submit(self, request: Request, typed: str = "") -> None:
        """Run what the document's last turn asks for, recording it for looking back.

        ``typed`` is given back where the run never begins.
        """
        self.notice = None
        self._typed = typed
        recorder = self.documents.begin()
        self._service.submit(dataclasses.replace(request, recorder=recorder))

    @property
    def _preset_name(self) -> str:
        is_changed = self.is_by_hand and self.preset.settings.num_beams > 1
        return self.preset.name + CHANGED * is_changed

    def _settings(self) -> Settings:
        settings = self.preset.settings
        if self.is_by_hand:
            settings = settings.without_beams()
        return settings if self._seed is None else settings.replace(seed=self._seed)
