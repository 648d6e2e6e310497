"""One prompt and what was generated after it: what a document is made of.

Must never import torch. Token ids are kept as they were generated.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from core.chat import ChatFormat, MessagePlace
from core.settings import Settings
from core.steps import BeamStep, Candidate, Finished, Hypothesis, Started, Step, TokenStep


@dataclass(slots=True)
class Turn:
    """One prompt and what was generated after it.

    ``prompt`` is the text as typed (empty where the document was merely continued), ``separator``
    what stands before it. ``chat`` is set where the run belongs to a conversation: its prompt is
    the message that ``message`` says, or else it writes on the answer of the turn before.
    ``inserted`` is the candidate that a person put in the place of ``replaced``; ``other_beam`` is
    the text before it that the run it branches from has not, where that was a beam search.
    ``is_by_hand`` is whether a person takes each step. ``key`` finds the run's recorded logits,
    ``node_id`` its place in the history, 0 until it has one.
    """

    prompt: str
    preset_name: str
    settings: Settings
    model_name: str = ""
    tokenizer_fingerprint: str = ""
    separator: str = ""
    chat: ChatFormat | None = None
    message: MessagePlace = ""
    inserted: Candidate | None = None
    replaced: Candidate | None = None
    other_beam: str = ""
    is_by_hand: bool = False
    key: str = ""
    node_id: int = 0
    started: Started | None = None
    steps: list[Step] = field(default_factory=list)
    finished: Finished | None = None

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The generated token ids: the best live beam's while a beam search runs."""
        if self.finished is not None and (
            self.finished.token_ids or self.finished.reason != "failed"
        ):
            return self.finished.token_ids
        if not self.steps:
            return ()
        last = self.steps[-1]
        if isinstance(last, BeamStep):
            return last.hypotheses[0].token_ids
        return tuple(step.token.token_id for step in self.steps if not isinstance(step, BeamStep))

    @property
    def text(self) -> str:
        """The generated text: the best live beam's while a beam search runs."""
        if self.finished is not None and (self.finished.text or self.finished.reason != "failed"):
            return self.finished.text
        if not self.steps:
            return ""
        last = self.steps[-1]
        if isinstance(last, BeamStep):
            return last.hypotheses[0].text
        return "".join(step.text for step in self.steps if not isinstance(step, BeamStep))

    def up_to(self, index: int, beam: Hypothesis | None = None) -> Turn:
        """Return this turn as it stood before step ``index``, with ``beam`` of a beam search."""
        steps = self.steps[:index]
        if beam is not None:
            finished = Finished("cancelled", beam.token_ids, beam.text, 0.0)
            return dataclasses.replace(self, steps=steps, finished=finished)
        tokens = [step for step in steps if isinstance(step, TokenStep)]
        finished = Finished(
            "cancelled",
            tuple(step.token.token_id for step in tokens),
            "".join(step.text for step in tokens),
            0.0,
        )
        return dataclasses.replace(self, steps=steps, finished=finished)
