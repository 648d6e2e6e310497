"""The session of a playground: what it is told, and what it has to tell.

Must never wait for a disk, and never keeps to itself that something is not saved.
"""

from __future__ import annotations

from collections.abc import Callable

from core.backends.background_call import BackgroundCall
from core.models.listing import check_model
from core.playground.model_state import ModelState
from core.playground.notices import Notices
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.sessions.entries import Entry, ModelReady
from core.sessions.opening import CLOSING, Session
from core.sessions.restoring import Restored
from core.text.visible import one_line


class Keeping:
    """Hands all that happens to the session, and the session's words to the person.

    Without a session nothing is kept, and no file is written.
    """

    def __init__(self, session: Session | None, notices: Notices) -> None:
        self.session = session
        """The session that is gone on with, ``None`` without one."""
        self.restored = session.state if session is not None else Restored()
        """Where one left."""
        self._notices = notices
        self._model = self.restored.model
        self._is_first = True
        self._has_been_seen = self._is_settled = False
        for note in session.notes if session is not None else ():
            notices.owe(note)

    @property
    def unsaved(self) -> str:
        """Why what happened would be lost at the end, in a sentence; empty where nothing would."""
        return self.session.unsaved if self.session is not None else ""

    @property
    def is_writing(self) -> bool:
        """Whether a disk is still at it, so that there may be news."""
        journal = self.session.journal if self.session is not None else None
        return journal is not None and journal.is_writing

    @property
    def has_news(self) -> bool:
        """Whether the session has something to tell, or is to be told that it was painted."""
        return self.session is not None and (self.session.has_fault or not self._is_settled)

    def record(self, entry: Entry) -> None:
        """Keep what has happened; it is cheap, and waits for nothing."""
        if self.session is not None:
            self.session.record(entry)

    def model_is(self, model: ModelInfo) -> None:
        """Keep which model answers now, and tell where it is not the one that did before.

        One that stands in for what is not here is not kept in the place of the one that somebody
        chose by its name: when that is here again, the session goes on with it.
        """
        is_for_now = False
        if self._is_first and self._model is not None:
            difference = other_model(self._model, model)
            if difference:
                self._notices.owe(f"this session goes on with another model: {difference}")
            is_for_now = bool(model.stands_in_for) and not self._model.stands_in_for
        self._is_first = False
        if model != self._model and not is_for_now:
            self.record(ModelReady(model))
        self._model = model

    def take_over(self, model: ModelState) -> None:
        """Go on with a model that was at hand before, or with that of the session if it is here."""
        wanted = model_left_with(self.restored)
        if model.info is not None and wanted not in ("", model.info.name) and is_here(wanted):
            model.use(wanted)
        elif model.info is not None:
            self.model_is(model.info)

    def tell(self) -> None:
        """Have the person told, at the end of each look for what has come."""
        if self.session is None:
            return
        fault = self.session.take_fault()
        if fault:
            self._notices.owe(fault)
        if self._has_been_seen and not self._is_settled:
            self.session.settled()  # the second look: what was opened has been painted by now
            self._is_settled = True
        self._has_been_seen = True

    def close(self, timeout: float = CLOSING) -> bool:
        """Have all on the disk within ``timeout`` s; return whether it is, or need not be."""
        return self.session is None or self.session.close(timeout)


class Leaving:
    """Sessions that were left, each closed on a thread of its own: its disk may be slow."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._closing: list[BackgroundCall[bool]] = []

    @property
    def is_busy(self) -> bool:
        """Whether one is not closed yet."""
        return bool(self._closing)

    def leave(self, close: Callable[[], bool]) -> None:
        """Have a session closed, by what returns whether it is saved to its end."""
        self._closing.append(BackgroundCall(close, "the session that was left cannot be closed"))

    def tell(self) -> None:
        """Tell of those that could not be saved."""
        for one in [one for one in self._closing if one.is_done]:
            self._closing.remove(one)
            if not _is_saved(one):
                self._notices.owe("the session that was left is not saved to its end")

    def wait(self, timeout: float = CLOSING) -> bool:
        """Wait until all are closed, ``timeout`` s for each; return whether all are saved.

        Any thread may call it.
        """
        waited = [one.wait(timeout) and _is_saved(one) for one in tuple(self._closing)]
        return all(waited)


def _is_saved(closed: BackgroundCall[bool]) -> bool:
    try:
        return closed.result()
    except PlaygroundError:  # there was no thread for it
        return False


def model_left_with(state: Restored) -> str:
    """Return the model that a session was left with, empty where nobody chose it by its name."""
    return state.model.name if state.model is not None and not state.model.stands_in_for else ""


def is_here(model_name: str) -> bool:
    """Whether a model is whole on this machine."""
    try:
        check_model(model_name)
    except PlaygroundError:
        return False
    return True


def other_model(before: ModelInfo, now: ModelInfo) -> str:
    """Return what makes ``now`` another model than ``before``; empty where it is the same.

    That it also is where the same weights lie in a folder of another name.
    """
    weights = {before.weights_fingerprint, now.weights_fingerprint}
    is_same = len(weights) == 1 and "" not in weights
    if before.name != now.name and not is_same:
        difference = f"{before.name!r} then, {now.name!r} now"
    elif before.revision != now.revision and not is_same:
        difference = f"{now.name!r} has another revision now"
    elif not is_same and "" not in weights:
        difference = f"{now.name!r} has other weights now"
    elif before.dtype != now.dtype:
        difference = f"{before.dtype} then, {now.dtype} now"
    else:
        difference = ""
    if before.tokenizer_fingerprint != now.tokenizer_fingerprint:
        difference += f"{'; ' * bool(difference)}its tokens are not those of before"
    return one_line(difference)
