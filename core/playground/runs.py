"""One run at a time: begun, gone on with by hand, stopped, and kept when it has ended.

Must never touch a widget, nor the model's thread but through its service.
"""

from __future__ import annotations

import dataclasses

from core.backends.worker import GenerationService
from core.playground.documents import Documents
from core.playground.model_state import ModelState
from core.playground.notices import Notices
from core.playground.presets.next_run import NextRun
from core.records.chat import ChatFormat
from core.records.request import Request
from core.records.steps import Candidate, Finished


class Runs:
    """What runs now, and the way in for all that is to run."""

    def __init__(
        self,
        service: GenerationService,
        documents: Documents,
        next_run: NextRun,
        model: ModelState,
        notices: Notices,
    ) -> None:
        self.is_stopping = False
        """Whether the running turn has been told to stop."""
        self._typed = ""
        self._service = service
        self._documents = documents
        self._next_run = next_run
        self._model = model
        self._notices = notices

    @property
    def can_begin(self) -> bool:
        """Whether there is a model, and nothing runs."""
        return self._model.info is not None and not self._documents.at_hand.is_running

    @property
    def still_running(self) -> str:
        """The sentence that says so, and what stops it."""
        return f"still running — {self._notices.told('stop')} stops it"

    def allows_change(self) -> bool:
        """Return whether the document can be changed now; a notice says why not."""
        if self._model.info is None:
            self._notices.warn("the model is not ready yet")
        elif self._documents.at_hand.is_running:
            self._notices.warn(self.still_running)
        else:
            return True
        return False

    def begin(self, prompt: str, chat: ChatFormat | None, put: tuple[int, ...] = ()) -> None:
        """Write on from ``prompt``, a message where there is a ``chat``.

        ``put`` are tokens that a person puts first.
        """
        next_run = self._next_run
        request = self._documents.at_hand.begin(
            prompt,
            next_run.preset_name,
            next_run.settings,
            self._model.info,
            chat,
            is_by_hand=next_run.is_by_hand,
        )
        self.submit(dataclasses.replace(request, forced=put), typed=prompt)

    def write(self, chosen: Candidate | str | None) -> None:
        """Go on by hand: with a candidate, with typed text, or with what the preset draws."""
        next_run = self._next_run
        request = self._documents.at_hand.write(
            chosen,
            next_run.preset_name,
            next_run.settings,
            self._model.info,
            begins_anew=next_run.dice.are_new,
        )
        self.submit(request, typed=chosen if isinstance(chosen, str) else "")

    def submit(self, request: Request, typed: str = "") -> None:
        """Run what the document's last turn asks for, recording it for looking back.

        ``typed`` is given back where the run never begins.
        """
        self._notices.clear()
        request = self._next_run.dice.thrown(request)
        self._typed = typed
        recorder = self._documents.begin()
        self._service.submit(dataclasses.replace(request, recorder=recorder))

    def weigh_next(self) -> None:
        """Have the token after the document's end weighed, choosing none."""
        document = self._documents.at_hand
        self._service.submit(document.weigh_next(self._next_run.settings, self._model.info))

    def stop(self) -> None:
        """Stop what runs before its next step; what it has written stays."""
        self.is_stopping = True
        self._service.cancel()

    def rest(self) -> None:
        """Have what runs rest for a moment, while a person is answered; ``go_on`` ends that."""
        self._service.way.take()

    def go_on(self) -> None:
        """Let what runs go on: a person has been answered."""
        self._service.way.give_back()

    def finish(self, event: Finished) -> str | None:
        """Take the end of what runs; return what was typed for a run that never began."""
        document = self._documents.at_hand
        was_weighing, has_started = document.is_weighing, document.has_started
        self._documents.apply(event)
        self.is_stopping = False
        if was_weighing:
            if event.reason == "failed":
                self._notices.warn(event.detail or "the next token could not be weighed")
        elif not has_started:
            self._notices.warn(event.detail or "the run failed before it started")
            return self._typed
        return None
