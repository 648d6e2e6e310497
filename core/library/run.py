"""A run as one holds it in a notebook: its steps as they come, and then all that came of it.

Must never import torch, and never generates ahead of who reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings
from core.records.steps import Event, Finished, Started, Step, written


class Run:
    """One run: ``for step in run`` has each step as soon as it is there, and may be said again.

    Nothing is generated before it is asked for. Whatever else is asked, such as ``text``, reads the
    run to its end first; ``close`` ends it where it stands. To be used from one thread.

    ``prompt`` is what was asked. ``settings`` are those that it was decoded with, ``None`` where a
    file does not tell. ``about`` is what its file says of how it was made: model, device, preset,
    versions. ``started`` has the token ids that it goes on from, and the seed.
    """

    def __init__(
        self,
        prompt: str,
        settings: Settings | None,
        about: Mapping[str, Any],
        events: Iterator[Event],
        *,
        stop: threading.Event | None = None,
        recorded: Callable[[], RecordedRun | None] = lambda: None,
    ) -> None:
        """Read ``events`` up to ``Started``.

        Args:
            prompt: What was asked.
            settings: What it is decoded with.
            about: As ``core.document.export.about.about_run`` returns it.
            events: As ``Backend.generate`` yields them.
            stop: What ends ``events`` before the next step once it is set.
            recorded: Returns what was recorded of the run so far, ``None`` without anything.

        Raises:
            PlaygroundError: The run cannot begin.
        """
        self.prompt = prompt
        self.settings = settings
        self.about = about
        self._events = events
        self._stop = stop or threading.Event()
        self._recorded = recorded
        self._steps: list[Step] = []
        self._finished: Finished | None = None
        started = next(events, None)
        if not isinstance(started, Started):
            raise PlaygroundError("the source of steps does not begin as one; see core.backends")
        self.started = started

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps from the first on, those that are there already and those to come.

        Raises:
            PlaygroundError: The run broke off, such as by too little memory; its steps stay.
        """
        at = 0
        while at < len(self._steps) or self._advance():
            yield self._steps[at]
            at += 1

    def __repr__(self) -> str:
        is_open = "" if self._finished is not None else ", not at its end"
        return f"<Run of {self.about.get('model')}: {len(self._steps)} steps{is_open}>"

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps."""
        return tuple(self)

    @property
    def finished(self) -> Finished:
        """Why the run ended, and what it made."""
        return self._finished or self.read_on()

    @property
    def text(self) -> str:
        """What the run wrote, without the prompt."""
        return self.finished.text

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The token ids that the run wrote, without those it went on from."""
        return self.finished.token_ids

    @property
    def document_token_ids(self) -> tuple[int, ...]:
        """All token ids up to its end; ``generate`` goes on from them."""
        return self.started.context_token_ids + self.token_ids

    @property
    def recorded(self) -> RecordedRun | None:
        """The logits of its token steps as far as they are kept; ``None`` of a run from a file."""
        return self._recorded()

    def close(self) -> None:
        """End the run before its next step; what was written stays. Does nothing at its end."""
        self._stop.set()
        self.read_on()

    def read_on(self) -> Finished:
        """Read the run to its end; return that."""
        while True:
            self._advance()
            if self._finished is not None:
                return self._finished

    def _advance(self) -> bool:
        """Read on to the next step; return whether there was one."""
        if self._finished is not None:
            return False
        try:
            for event in self._events:
                if isinstance(event, Step):
                    self._steps.append(event)
                    return True
                if isinstance(event, Finished):
                    self._finished = event
        except BaseException as error:  # an interrupted cell too: what was written stays
            self._break_off(str(error) or type(error).__name__)
            raise
        if self._finished is None:
            self._break_off("its source ended without saying why")
        return False

    def _break_off(self, detail: str) -> None:
        token_ids, text = written(self._steps)
        self._finished = Finished("failed", token_ids, text, 0.0, detail=detail)
