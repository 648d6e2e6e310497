"""What has been generated: the document, turn by turn, and the step that is looked at.

By hand, the token after the document's end is looked at too: what is weighed for it, before
anything is chosen.

Must never import torch, and belongs to one thread: whoever drains the service applies its events.
Token ids are kept as they were generated; nothing here re-encodes text.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from core.document.asking import (
    counting_from_start,
    request_of,
    text_of,
    token_ids_of,
    with_dice_of,
)
from core.document.conversation import messages, open_answer
from core.document.turn import Fork, Turn
from core.records.chat import ChatFormat, MessagePlace
from core.records.model_info import ModelInfo
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import (
    Candidate,
    EngineChanged,
    Event,
    Finished,
    Hypothesis,
    NextToken,
    Started,
    Step,
)

__all__ = ["Document", "Fork", "Turn"]


class Document:
    """A document that grows turn by turn, and a cursor over all its steps.

    ``cursor`` is a position among all steps, or ``None`` while the newest one is followed.
    ``next_token`` is what is weighed for the token after the last one, where that is known;
    ``weighed_for`` are the settings and the name of the model that were asked for it last.
    """

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self.turns: list[Turn] = list(turns)
        self.cursor: int | None = None
        self.next_token: NextToken | None = None
        self.weighed_for: tuple[Settings, str] | None = None
        self.is_weighing = False
        """Whether a run goes on that only weighs the next token."""
        self.has_started = True
        """Whether the newest run has begun; one that never does leaves the document as it was."""
        self._turns_before: list[Turn] = []

    @property
    def is_running(self) -> bool:
        """Whether a ``Finished`` is still to come."""
        return self.is_weighing or (bool(self.turns) and self.turns[-1].finished is None)

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The whole document's token ids, those of prompts and those that runs wrote."""
        return token_ids_of(self.turns)

    @property
    def text(self) -> str:
        """The whole document's text, prompts and what runs wrote."""
        return text_of(self.turns)

    def end(self, length: int) -> str:
        """Return the last ``length`` characters of ``text``, or all where it has fewer."""
        text = ""
        for number in range(len(self.turns) - 1, -1, -1):
            if len(text) >= length:
                break
            turn = self.turns[number]
            text = turn.asked(is_first=not number) + turn.text + text
        return text[-length:]

    def begin(
        self,
        prompt: str,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
        chat: ChatFormat | None = None,
        *,
        is_by_hand: bool = False,
    ) -> Request:
        """Open a turn that continues the document; return the request to submit for it.

        With a ``chat`` the prompt is a message, and the request carries the conversation. Without
        a prompt, an answer that has not ended yet is gone on with and stays in its conversation,
        and so are the dice of the turn before. By hand, nothing is chosen yet.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        name, fingerprint = (model.name, model.tokenizer_fingerprint) if model else ("", "")
        place: MessagePlace = ""
        if not prompt:
            chat = open_answer(self.turns)
        elif chat is not None:
            place = "later" if messages(self.turns) else "first"
        turn = Turn(prompt, preset_name, settings, name, fingerprint, chat, place)
        turn.is_by_hand, turn.model = is_by_hand, model
        request = request_of(self.turns, turn)
        if not prompt and self.turns:
            request = with_dice_of(self.turns[-1], request)
        self._open([*self.turns, turn])
        return dataclasses.replace(request, most_drawn=0 if is_by_hand else None)

    def _open(self, turns: list[Turn]) -> None:
        if self.is_running:
            raise RuntimeError("a turn is still running")
        self._turns_before, self.turns = self.turns, turns
        self.has_started = False
        self.cursor = self.next_token = None
        turn = turns[-1]
        self.weighed_for = (turn.settings, turn.model_name) if turn.is_by_hand else None

    def rerun(self, preset_name: str, settings: Settings, model: ModelInfo | None) -> Request:
        """Open a turn that goes on with the last one as ``settings`` from its start would have.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        last = self.turns[-1]
        return counting_from_start(last, self.begin("", preset_name, settings, model))

    def fork(
        self,
        fork: Fork,
        chosen: Candidate | str,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
        *,
        is_by_hand: bool = False,
    ) -> Request:
        """Open a turn that goes on from ``chosen``, a candidate or typed text, at ``fork``.

        The document must end before that step, as ``before`` returns it.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        request = self.begin("", preset_name, settings, model, is_by_hand=is_by_hand)
        self.turns[-1].fork = fork
        if isinstance(chosen, str):
            return dataclasses.replace(request, forced=chosen)
        # Where another model reads the document as a text, its ids mean something else.
        is_same = bool(request.context_token_ids)
        return dataclasses.replace(request, forced=(chosen.token_id,) if is_same else chosen.text)

    def write(
        self,
        chosen: Candidate | str | None,
        preset_name: str,
        settings: Settings,
        model: ModelInfo | None = None,
        *,
        begins_anew: bool = False,
    ) -> Request:
        """Go on by hand with a candidate of ``next_token``, typed text, or what settings choose.

        A run by hand under the same settings and model is gone on with, unless it ``begins_anew``.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        last = self.turns[-1] if self.turns else None
        request = last.going_on(settings, model) if last is not None else None
        is_same = last is not None and last.preset_name == preset_name and not begins_anew
        if last is None or request is None or not is_same:
            request = self.begin("", preset_name, settings, model, is_by_hand=True)
        else:
            # Another turn: documents that begin like this one keep the shorter one.
            longer = dataclasses.replace(last, steps=last.steps.copy(), finished=None)
            self._open([*self.turns[:-1], longer])
        if chosen is None:
            return dataclasses.replace(request, most_drawn=1)
        forced = chosen if isinstance(chosen, str) else (chosen.token_id,)
        return dataclasses.replace(request, forced=forced)

    def weigh_next(self, settings: Settings, model: ModelInfo | None = None) -> Request:
        """Ask what the model weighs for the token after the end; return the request for it.

        Raises:
            RuntimeError: The turn before has not finished.
        """
        if self.is_running:
            raise RuntimeError("a turn is still running")
        name, fingerprint = (model.name, model.tokenizer_fingerprint) if model else ("", "")
        request = self.turns[-1].going_on(settings, model) if self.turns else None
        if request is None:
            chat = open_answer(self.turns)
            turn = Turn("", "", settings, name, fingerprint, chat=chat)
            request = dataclasses.replace(request_of(self.turns, turn), most_drawn=0)
        self.is_weighing, self.next_token = True, None
        self.weighed_for = settings, name
        return request

    def before(self, position: int, beam: Hypothesis | None = None) -> Document:
        """Return the document as it stood before the step at ``position`` of all steps.

        In a beam search, with ``beam`` of the step before; ``None`` for the prompt alone.
        """
        for number, turn in enumerate(self.turns):
            if position < len(turn.steps):
                return Document((*self.turns[:number], turn.up_to(position, beam)))
            position -= len(turn.steps)
        return Document(self.turns)

    def apply(self, event: Event) -> None:
        """Take one event of what runs; a run that failed before it started leaves no trace."""
        if isinstance(event, NextToken):
            self.next_token = event
        elif isinstance(event, EngineChanged):
            return  # of the model, not of the document
        elif self.is_weighing:
            self.is_weighing = not isinstance(event, Finished)
        elif isinstance(event, Started):
            self.has_started = True
            self.turns[-1].started = self.turns[-1].started or event
        elif isinstance(event, Finished):
            self.turns[-1].end(event)
            if not self.has_started:
                self.turns = self._turns_before
            if self.next_token is None:
                self.weighed_for = None
        else:
            self.turns[-1].steps.append(event)

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
        turn = self.turn_at(position)
        return (turn, turn.steps[position - self.first_position(turn)]) if turn else None

    def first_position(self, turn: Turn) -> int:
        """Return where the first step of ``turn`` stands among all steps."""
        before = itertools.takewhile(lambda one: one is not turn, self.turns)
        return sum(len(one.steps) for one in before)

    def turn_at(self, position: int) -> Turn | None:
        """The turn of the step at ``position`` of all steps, ``None`` where there is none."""
        for turn in self.turns:
            if 0 <= position < len(turn.steps):
                return turn
            position -= len(turn.steps)
        return None

    def hold_cursor(self) -> None:
        """Stay at the selected step while a run goes on, or while the next one is looked at."""
        is_moving = self.is_running or self.next_token is not None
        if self.cursor is None and is_moving and self.step_count():
            self.cursor = self.step_count() - 1

    def let_go(self) -> None:
        """Look at the token to come again, if the newest step is looked at and that one known."""
        if self.next_token is not None and self.cursor == self.step_count() - 1:
            self.cursor = None

    def forget_next(self) -> None:
        """Look at what is written alone."""
        self.next_token = self.weighed_for = None

    def move_cursor(self, offset: int) -> None:
        """Look ``offset`` steps later (earlier where negative), stopping at either end.

        At the newest step the cursor lets go and follows again; by hand, behind it.
        """
        self.look_at((self.cursor if self.cursor is not None else self._newest) + offset)

    def look_at(self, position: int) -> None:
        """Look at the step at ``position`` of all steps, or at the nearest one; see above."""
        if self.step_count():
            self.cursor = None if position >= self._newest else max(0, position)

    @property
    def _newest(self) -> int:
        return self.step_count() - (self.next_token is None)
