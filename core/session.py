"""What has been generated: the document, turn by turn, and the step that is looked at.

Must never import torch, and belongs to one thread: whoever drains the service applies its events.
Token ids are kept as they were generated; nothing here re-encodes text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from core.backends.base import ModelInfo, Request
from core.chat import ChatFormat, Message, MessagePlace
from core.conversation import begun_answer, messages, open_answer
from core.settings import Settings
from core.steps import Candidate, Event, Finished, Hypothesis, Started, Step
from core.turn import Turn

__all__ = ["TURN_SEPARATOR", "Session", "Turn"]

TURN_SEPARATOR = "\n"
"""Stands before every further prompt, so that it begins a line of the document.

Not after an end of text: the model takes what follows as a new document by itself.
"""


class Session:
    """A document that grows turn by turn, and a cursor over all its steps.

    ``cursor`` is a position in ``steps()``, or ``None`` while the newest step is followed.
    """

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.turns: list[Turn] = list(turns)
        self.cursor: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether the last turn still waits for its ``Finished``."""
        return bool(self.turns) and self.turns[-1].finished is None

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The whole document's token ids, prompts and continuations."""
        if not self.turns:
            return ()
        last = self.turns[-1]
        if last.started is None:
            return ()
        return last.started.context_token_ids + last.token_ids

    @property
    def text(self) -> str:
        """The whole document's text, prompts and continuations."""
        return "".join(
            turn.separator
            + turn.prompt
            + (turn.inserted.text if turn.inserted is not None else "")
            + turn.text
            for turn in self.turns
        )

    def begin(
        self,
        prompt: str,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
        chat: ChatFormat | None = None,
    ) -> Request:
        """Open a turn that continues the document; return the request to submit for it.

        Token ids are handed on as they were generated. Only where ``model`` reads other ids than
        the model before does the document's text go as part of the prompt, to be encoded anew.
        With a ``chat`` the prompt is a message, and the request carries the conversation. Without
        a prompt, an answer that has not ended yet is gone on with and stays in its conversation.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        if self.is_running:
            raise RuntimeError("a turn is still running")
        name, fingerprint = (model.name, model.tokenizer_fingerprint) if model else ("", "")
        separator = self._separator(prompt)
        place: MessagePlace = ""
        if not prompt:
            chat = open_answer(self.turns)
        elif chat is not None:
            place = "later" if messages(self.turns) else "first"
        turn = Turn(prompt, preset_name, settings, name, fingerprint, separator, chat, place)
        request = self._request(turn)
        self.turns.append(turn)
        self.cursor = None
        return request

    def _request(self, turn: Turn) -> Request:
        """Return what runs ``turn`` as the document's next one."""
        if turn.message:
            said = (*messages(self.turns), Message("user", turn.prompt))
            return Request("", turn.settings, messages=said, chat=turn.chat)
        added = turn.separator + turn.prompt
        if not self.turns or self.turns[-1].tokenizer_fingerprint == turn.tokenizer_fingerprint:
            return Request(added, turn.settings, self.token_ids, chat=turn.chat)
        if turn.chat is None:
            return Request(self.text + added, turn.settings)
        asked = messages(self.turns)[:-1]
        return Request(begun_answer(self.turns), turn.settings, messages=asked, chat=turn.chat)

    def branch(
        self,
        replaced: Candidate | None,
        inserted: Candidate,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
    ) -> Request:
        """Open a turn that goes on from ``inserted``, put where ``replaced`` stood, if it did.

        The session must end before that step, as ``before`` returns it.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        request = self.begin("", preset_name, settings, model)
        turn = self.turns[-1]
        turn.inserted, turn.replaced = inserted, replaced
        if request.context_token_ids:
            context = (*request.context_token_ids, inserted.token_id)
            return dataclasses.replace(request, context_token_ids=context)
        return dataclasses.replace(request, prompt=request.prompt + inserted.text)

    def branch_text(
        self,
        replaced: Candidate,
        text: str,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
    ) -> Request:
        """Open a turn that goes on from typed text in the place of ``replaced``; see ``branch``.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        request = self.begin("", preset_name, settings, model)
        turn = self.turns[-1]
        turn.prompt, turn.replaced = text, replaced
        return dataclasses.replace(request, prompt=request.prompt + text)

    def before(self, position: int, beam: Hypothesis | None = None) -> Session:
        """Return the document as it stood before the step at ``position`` of all steps.

        In a beam search, with ``beam`` of the step before; ``None`` for the prompt alone.
        """
        for number, turn in enumerate(self.turns):
            if position < len(turn.steps):
                return Session((*self.turns[:number], turn.up_to(position, beam)))
            position -= len(turn.steps)
        return Session(self.turns)

    def _separator(self, prompt: str) -> str:
        if not prompt or not self.turns:
            return ""
        finished = self.turns[-1].finished
        ended = finished is not None and finished.reason == "end_of_text"
        return "" if ended else TURN_SEPARATOR

    def apply(self, event: Event) -> None:
        """Take one event of the running turn; a turn that failed before it started is removed."""
        turn = self.turns[-1]
        if isinstance(event, Started):
            turn.started = event
        elif isinstance(event, Finished):
            turn.finished = event
            if turn.started is None:
                self.turns.pop()
        else:
            turn.steps.append(event)

    def step_count(self) -> int:
        """How many steps the document has, over all turns."""
        return sum(len(turn.steps) for turn in self.turns)

    @property
    def position(self) -> int:
        """Where the selected step stands among all steps: the cursor's, or the newest one's."""
        return self.cursor if self.cursor is not None else self.step_count() - 1

    def selected(self) -> tuple[Turn, Step] | None:
        """The step under the cursor, or the newest one, with its turn; ``None`` without steps."""
        position = self.position
        for turn in self.turns:
            if 0 <= position < len(turn.steps):
                return turn, turn.steps[position]
            position -= len(turn.steps)
        return None

    def first_position(self, turn: Turn) -> int:
        """Return where the first step of ``turn`` stands among all steps."""
        position = 0
        for one in self.turns:
            if one is turn:
                break
            position += len(one.steps)
        return position

    def turn_at(self, position: int) -> Turn | None:
        """The turn of the step at ``position`` of all steps, ``None`` where there is none."""
        for turn in self.turns:
            if 0 <= position < len(turn.steps):
                return turn
            position -= len(turn.steps)
        return None

    def hold_cursor(self) -> None:
        """Stay at the selected step while a run goes on."""
        if self.cursor is None and self.is_running and self.step_count():
            self.cursor = self.step_count() - 1

    def move_cursor(self, offset: int) -> None:
        """Look ``offset`` steps later (earlier where negative), stopping at either end.

        At the newest step the cursor lets go and follows again.
        """
        count = self.step_count()
        if not count:
            return
        position = (self.cursor if self.cursor is not None else count - 1) + offset
        self.cursor = None if position >= count - 1 else max(0, position)
