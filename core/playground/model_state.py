"""The model behind the app: which one answers, how far another one is, what went wrong with it.

Must never touch a widget. All calls come from the app's thread, unless they say otherwise.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from core.backends.base import Backend
from core.backends.worker import GenerationService
from core.playground.changes import Changes
from core.playground.fetching import Fetching
from core.playground.notices import Notices
from core.records.loading import LoadFailed, Loading, Ready
from core.records.model_info import ModelInfo
from core.records.model_report import ModelReport
from core.records.prompt_tokens import PromptToken

Clock = Callable[[], float]

ModelFactory = Callable[[str | None], Backend]
"""Makes the backend of a model by its name; of the one to begin with where that is ``None``."""

CLOSING_SECONDS = 0.5
"""How long the worker may take to end; a longer step ends with the process."""


class ModelState:
    """What is known of the model, and what can be done about it."""

    def __init__(
        self,
        make_model: ModelFactory,
        service: GenerationService,
        fetching: Fetching,
        notices: Notices,
        clock: Clock = time.monotonic,
    ) -> None:
        self.info: ModelInfo | None = None
        """The model that answers, ``None`` while none does."""
        self.has_another_engine = False
        """Whether something else runs it than when it was loaded."""
        self.loading_stage: str | None = None
        self.loading_share: float | None = None
        self.load_error: str | None = None
        self.used: list[str] = []
        """The names of all models that have answered, in the order in which they first did."""
        self.fetching = fetching
        self._make_model = make_model
        self._service = service
        self._notices = notices
        self._clock = clock
        self._wanted: str | None = None
        self._loading_since = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether something is being loaded or fetched."""
        return self.loading_stage is not None or self.fetching.name is not None

    @property
    def loading_seconds(self) -> float:
        """How long the model has been loading."""
        return self._clock() - self._loading_since

    @property
    def fetch_offer(self) -> str | None:
        """The model that was asked for, is not here, and is not being fetched."""
        if self.info is None or self.fetching.name is not None or self.fetching.arrived:
            return None
        return self.info.stands_in_for or None

    def start(self) -> None:
        """Start the worker thread and load the model to begin with."""
        self._await()
        self._service.start(lambda: self._make_model(None))

    def use(self, name: str) -> None:
        """Switch to another model; the document stays, and a run is stopped first."""
        self._notices.clear()
        if self.fetching.arrived == name:
            self.fetching.arrived = None
        self._wanted = name
        self._load()

    def fetch(self, name: str) -> None:
        """Fetch a model in the background; the one at hand stays usable."""
        complaint = self.fetching.start(name)
        self._notices.clear()
        if complaint:
            self._notices.warn(complaint)

    def take_fetched(self, changes: Changes) -> None:
        """Take over what came of a download, and say how it ended."""
        has_news, end = self.fetching.drain()
        changes.anything |= has_news
        if end is None:
            return
        changes.keys = True
        if not end.message:
            self._notices.say(f"{end.name} is here")
        elif end.was_cancelled:
            self._notices.say(end.message)
        else:
            changes.failure = end.message

    def load_again(self) -> None:
        """Try to load the model once more after it failed."""
        if self.load_error is not None:
            self._load()

    def close(self) -> None:
        """End the run, the download and their threads."""
        self.fetching.close()
        self._service.close(timeout=CLOSING_SECONDS)

    def apply(self, event: Loading | Ready | LoadFailed) -> None:
        """Take over what the service says of the model."""
        if isinstance(event, Loading):
            self.loading_stage, self.loading_share = event.stage, event.share
        elif isinstance(event, Ready):
            self.info, self.loading_stage, self.load_error = event.info, None, None
            self.has_another_engine = False
            if event.info.name not in self.used:
                self.used.append(event.info.name)
        elif event.falls_back:
            self.loading_stage, self.loading_share = "bringing the model before back", None
        else:
            self.load_error, self.loading_stage = event.message, None

    def change_engine(self, engine: str) -> None:
        """Take note that something else runs the model now."""
        if self.info is not None:
            self.info = dataclasses.replace(self.info, engine=engine)
            self.has_another_engine = True
        self._notices.warn(f"the engine is another one now: {engine}")

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of ``text``; any thread may call it.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self._service.prompt_tokens(text, is_beginning=is_beginning)

    def inspect(self) -> ModelReport:
        """Look into the model that runs; any thread may call it, and it can take seconds.

        Raises:
            PlaygroundError: No model is loaded, or its files cannot be used any more.
        """
        return self._service.inspect()

    def _load(self) -> None:
        name = self._wanted
        self._await()
        self._service.load(lambda: self._make_model(name))

    def _await(self) -> None:
        self.info = None
        self.loading_stage, self.loading_share, self.load_error = "starting", None, None
        self._loading_since = self._clock()
