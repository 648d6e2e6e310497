"""The playground: what the app knows and decides, as parts that a front end talks to.

Must never touch a widget: it is told what a person did, and says what changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from core.backends.worker import GenerationService, ServiceEvent
from core.document.document import Document
from core.playground.by_hand import ByHand
from core.playground.changes import Changes, waited_for
from core.playground.cursor import Cursor
from core.playground.documents import Documents
from core.playground.fetching import Fetching
from core.playground.forks import Forks
from core.playground.keeping import Keeping, Leaving
from core.playground.looking.columns import Columns
from core.playground.looking.comparing import Comparing
from core.playground.looking.lookup import Lookup
from core.playground.model_state import Clock, ModelFactory, ModelState
from core.playground.moves import Moves
from core.playground.notices import ActionTold, Notices, told_by_name
from core.playground.outlooks import Outlooks
from core.playground.presets.file import PresetsFile
from core.playground.presets.next_run import NextRun
from core.playground.presets.turning import Turning
from core.playground.prompts import Prompts
from core.playground.runs import Runs
from core.presets.book import PresetBook
from core.presets.watching import PresetsWatch
from core.records.comparison import ColumnEvent
from core.records.loading import LoadFailed, Loading, Ready
from core.records.prompt_tokens import PromptToken
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.records.steps import EngineChanged, Event, Finished, Step
from core.sessions.opening import CLOSING, Session


class Playground:
    """The parts, and how what the model brings reaches them.

    All calls come from one thread, unless they say otherwise. A front end that has a loop of its
    own calls ``drain`` while ``is_busy``; one that has not calls ``wait_until_at_rest``. Used in a
    ``with``, it loads the model, and ends its thread::

        with Playground(lambda name: LocalBackend(name or "demo"), book) as playground:
            playground.prompts.send("Once upon a time")
            playground.wait_until_at_rest()
            print(playground.document.text)

    Args:
        make_model: Makes the backend of a model by its name; called on the worker's thread.
        book: The presets to pick from.
        preset_name: The preset to begin with; the first one where that is ``None``.
        seed: Takes the place of every preset's seed where it is given.
        fetching: What fetches models; one from the hub where that is ``None``.
        told: How the front end calls an action in a sentence, by its id.
        clock: Seconds, for how long a model has been loading.
        session: What is gone on with, as ``open_session`` returns it, and told of all that
            happens; ``close`` closes it. Without one nothing is kept, and no file is written.
        watch: What reads the presets file again when it is saved; ``close`` stops it.
        taken_keys: The keys that the front end has given to actions, which no new preset gets.

    Raises:
        PresetsError: There is no preset of that name.
    """

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
        session: Session | None = None,
        watch: PresetsWatch | None = None,
        taken_keys: frozenset[str] = frozenset(),
    ) -> None:
        self._taken_keys = taken_keys
        self._service = GenerationService()
        self._coming: Session | None = None
        self.told = told
        self.notices = Notices(told)
        self.leaving = Leaving(self.notices)
        self.presets_file = PresetsFile(watch, self.notices)
        self.model = ModelState(
            make_model, self._service, fetching or Fetching(), self.notices, clock
        )
        self.comparing = Comparing(self._service, self.model)
        self._begin(session, book, preset_name, seed)

    def _begin(
        self, session: Session | None, book: PresetBook, preset_name: str | None, seed: int | None
    ) -> None:
        """Make the parts that a session has for itself."""
        service, notices, model = self._service, self.notices, self.model
        self.keeping = keeping = Keeping(session, notices)
        restored, record = keeping.restored, keeping.record
        self.documents = documents = Documents(restored, record)
        self.cursor = Cursor(documents, record)
        self.columns = Columns(self.comparing, documents, model, record)
        self.lookup = lookup = Lookup(documents, model, service)
        self.next_run = next_run = NextRun(
            book,
            documents,
            notices,
            preset_name=preset_name,
            seed=seed,
            restored=restored.preset,
            record=record,
            taken_keys=self._taken_keys,
        )
        self.turning = Turning(next_run, documents, lookup, model)
        self.runs = runs = Runs(service, documents, next_run, model, notices)
        self.moves = moves = Moves(documents, runs, notices)
        self.forks = forks = Forks(documents, lookup, next_run, model, runs, notices)
        self.prompts = prompts = Prompts(documents, next_run, model, runs, moves, notices, keeping)
        self.outlooks = Outlooks(documents, next_run, model, runs, prompts, forks, service)
        self.by_hand = ByHand(documents, lookup, next_run, model, runs, forks, prompts, notices)

    def __enter__(self) -> Self:
        """Begin to load the model."""
        self.model.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """See ``close``."""
        self.close()

    def open(self, session: Session) -> str | None:
        """Go on with another session as soon as what runs has stopped; ``drain`` says when.

        The model stays, unless the session was left with another one that is here. Returns the
        prompt that waited, if any.
        """
        if self._coming is not None:
            self.leaving.leave(self._coming.close)
        self._coming = session
        if self.document.is_running or self.columns.is_running:
            self.stop()
        return self.prompts.take_back()

    def close(self, timeout: float = CLOSING) -> bool:
        """End the run, the download and their threads, then the session.

        What has come until then is kept. A disk that does not answer is waited for, for ``timeout``
        seconds; whoever calls again waits again.

        Returns:
            Whether all that was to be saved is.
        """
        self.presets_file.stop()
        self.model.close()
        for event in self._service.drain():
            if isinstance(event, ColumnEvent):
                self.columns.apply(event)
            elif isinstance(event, Event):
                self.documents.apply(event)
        is_saved = self.keeping.close(timeout)
        return self.leaving.wait(timeout) and is_saved

    @property
    def document(self) -> Document:
        """The document at hand; another one after every move."""
        return self.documents.at_hand

    @property
    def is_busy(self) -> bool:
        """Whether events are still to come, so that the service must be drained."""
        has_news = self.keeping.has_news or self.notices.has_more or self.presets_file.has_news
        is_switching = self._coming is not None or self.leaving.is_busy
        is_running = self.document.is_running or self.comparing.is_running
        is_busy = is_running or self.model.is_busy or is_switching
        is_looking = self.lookup.is_reading or self.turning.is_looking
        return is_busy or self.by_hand.must_weigh or has_news or is_looking

    def wait_until_at_rest(self, timeout: float | None = None) -> Changes:
        """Take over all that comes until nothing more is to come; return it in one.

        Args:
            timeout: The longest that it may take, in seconds; without end where it is ``None``.

        Raises:
            TimeoutError: Something still runs, is loaded or fetched after that time.
        """
        return waited_for(self.drain, lambda: self.is_busy, timeout)

    def stop(self) -> str | None:
        """Stop the run, or take back the prompt that waits (returned), or stop the download."""
        if self.document.is_running:
            self.runs.stop()
        elif self.columns.is_running:
            self.columns.stop()
        elif self.prompts.queued is None and self.model.fetching.name is not None:
            self.model.fetching.cancel()
        else:
            return self.prompts.take_back()
        return None

    def prompt_tokens(self, text: str) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of ``text``; any thread may call it.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self.model.prompt_tokens(text, is_beginning=not self.document.turns)

    def score(
        self, text: Scorable | WrittenTokens, is_cancelled: Callable[[], bool] = lambda: False
    ) -> ScoredText:
        """Score ``text`` under the model and all presets; any thread may call it, but waits.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, or the text cannot be scored.
        """
        return self._service.score(text, self.next_run.book.presets, is_cancelled)

    def drain(self) -> Changes:
        """Apply everything that has come since the last call, without waiting."""
        changes = Changes()
        self.presets_file.drain(self.next_run, changes)
        self.model.take_fetched(changes)
        self.turning.drain(changes)
        for event in self._service.drain():
            changes.anything = True
            if isinstance(event, Step):
                changes.steps += 1
                changes.keys |= event.index == 0  # now there is a step to look back at
                self.documents.apply(event)
            else:
                changes.keys = True
                self._apply(event, changes)
        if self._coming is not None and not (self.document.is_running or self.columns.is_running):
            self._switch(self._coming, changes)
        if (left := self.prompts.take_left()) is not None:
            changes.returned_prompt, changes.anything = left, True
        if self.by_hand.must_weigh:
            self.runs.weigh_next()
        self.leaving.tell()
        self.keeping.tell()
        changes.owed = self.notices.has_more
        changes.anything |= changes.owed
        changes.keys |= changes.owed
        self.notices.settle()
        return changes

    def _switch(self, session: Session, changes: Changes) -> None:
        """Leave the session at hand for another one."""
        self._coming = None
        changes.anything = changes.keys = changes.opened = True
        self.notices.clear()
        self.leaving.leave(self.keeping.close)
        book, preset = self.next_run.book, self.next_run.preset.name
        is_new = session.state.preset is None and preset in {one.name for one in book.presets}
        self._begin(session, book, preset if is_new else None, self.next_run.seed)
        self.keeping.take_over(self.model)

    def _apply(self, event: ServiceEvent, changes: Changes) -> None:
        if isinstance(event, Loading | Ready | LoadFailed):
            self.model.apply(event)
            self._apply_loading(event, changes)
        elif isinstance(event, EngineChanged):
            self.model.change_engine(event.engine)
        elif isinstance(event, ColumnEvent):
            self.columns.apply(event)
        elif isinstance(event, Finished):
            self._finish(event, changes)
        else:
            self.documents.apply(event)

    def _apply_loading(self, event: Loading | Ready | LoadFailed, changes: Changes) -> None:
        if isinstance(event, Ready):
            self.keeping.model_is(event.info)
            self.document.forget_next()
            self.prompts.run_queued()
        elif isinstance(event, LoadFailed):
            # The document covers the place where the error would stand.
            if event.falls_back or self.document.turns:
                changes.failure = event.message
            if not event.falls_back:
                changes.returned_prompt = self.prompts.take_back()

    def _finish(self, event: Finished, changes: Changes) -> None:
        unbegun = self.runs.finish(event)
        if unbegun is not None:
            changes.returned_prompt = unbegun
        if self.moves.clears_at_end:
            self.moves.clear()
        self.prompts.run_queued()
