"""One prompt and what was generated after it: what a document is made of.

Must never import torch. Token ids are kept as they were generated.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from itertools import takewhile

from core.document.steps import Steps
from core.records.chat import ChatFormat, Message, MessagePlace
from core.records.model_info import ModelInfo
from core.records.request import Request
from core.records.settings import Settings
from core.records.steps import (
    Finished,
    Hypothesis,
    Started,
    TokenStep,
    is_chosen_by_person,
    written,
)


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a run leaves the one before it, to go on with what a person put there.

    ``step`` is the one of that run in whose place it begins, from 1. ``put`` is the text of the
    candidate that a person put there, empty for typed text, and ``replaced`` that of the token
    which stood there, empty where it is the same. ``other_beam`` is the text before it that the run
    has not that it leaves, where that was a beam search.
    """

    step: int
    put: str = ""
    replaced: str = ""
    other_beam: str = ""


@dataclass(slots=True)
class Turn:
    """One prompt and what was generated after it.

    ``prompt`` is the text as typed, which goes on from the document to the letter; it is empty
    where the document was merely continued. ``chat`` is set where the run belongs to a
    conversation: its prompt is the message that ``message`` says, or else it writes on the answer
    of the turn before. ``messages`` is set where it goes on with a conversation that no turn here
    holds: what was said, up to the message that it answers or the answer that it writes on.
    ``fork`` is set where it leaves the run before it. ``is_by_hand`` is whether
    a person takes each step. ``key`` finds the run's recorded logits, ``node_id`` its place in the
    tree, 0 until it has one.
    """

    prompt: str
    preset_name: str
    settings: Settings
    model_name: str = ""
    tokenizer_fingerprint: str = ""
    chat: ChatFormat | None = None
    message: MessagePlace = ""
    fork: Fork | None = None
    is_by_hand: bool = False
    key: str = ""
    node_id: int = 0
    started: Started | None = None
    steps: Steps = field(default_factory=Steps)
    finished: Finished | None = None
    model: ModelInfo | None = None
    messages: tuple[Message, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is written by hand and can be gone on with."""
        return self.is_by_hand and self.finished is not None and self.finished.reason == "by_hand"

    def end(self, finished: Finished) -> None:
        """Take the end of the run: no more steps come."""
        self.finished = finished
        self.steps.pack()

    def going_on(self, settings: Settings, model: ModelInfo | None) -> Request | None:
        """Return what goes on with this turn by hand, with nothing to choose yet.

        ``None`` where it is not written by hand, under these settings and by this model.
        """
        info = (model.name, model.tokenizer_fingerprint) if model is not None else ("", "")
        is_same = self.settings == settings and info == (
            self.model_name,
            self.tokenizer_fingerprint,
        )
        if not (self.is_open and is_same) or self.started is None:
            return None
        return Request(
            "",
            settings.replace(seed=self.started.seed),
            self.started.context_token_ids,
            chat=self.chat,
            most_drawn=0,
            written_token_ids=self.token_ids,
            drawn=self.drawn,
        )

    @property
    def drawn(self) -> int:
        """How many draws of its seed's dice lie behind its end, with those before its start.

        Each token that settings chose counts for one, also where they draw none or others; one
        that a person put there does not.
        """
        before = self.started.drawn if self.started is not None else 0
        put = sum(is_chosen_by_person(step) for step in self.steps)
        return before + len(self.token_ids) - put

    @property
    def counted(self) -> int:
        """How many of its last tokens its settings count as new, with those before its start."""
        if self.started is None or self.is_by_hand:
            return 0
        put = sum(1 for _ in takewhile(is_chosen_by_person, self.steps))
        return self.started.counted + len(self.token_ids) - put

    def asked(self, *, is_first: bool) -> str:
        """Return what stands before the turn's own text; a message has lines to itself."""
        if self.message:
            return ("" if is_first else "\n") + self.prompt + "\n"
        return self.prompt

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The generated token ids: the best live beam's while a beam search runs."""
        if self.finished is not None and (
            self.finished.token_ids or self.finished.reason != "failed"
        ):
            return self.finished.token_ids
        return written(self.steps)[0]

    @property
    def text(self) -> str:
        """The generated text: the best live beam's while a beam search runs."""
        if self.finished is not None and (self.finished.text or self.finished.reason != "failed"):
            return self.finished.text
        return written(self.steps)[1]

    def up_to(self, index: int, beam: Hypothesis | None = None) -> Turn:
        """Return this turn as it stood before step ``index``, with ``beam`` of a beam search."""
        steps = self.steps.until(index)
        if beam is not None:
            finished = Finished("cancelled", beam.token_ids, beam.text, 0.0)
            return dataclasses.replace(self, steps=steps, finished=finished)
        token_ids, text = written([step for step in steps if isinstance(step, TokenStep)])
        finished = Finished("cancelled", token_ids, text, 0.0)
        return dataclasses.replace(self, steps=steps, finished=finished)
