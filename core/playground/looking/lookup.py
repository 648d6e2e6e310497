"""What was recorded of a step, beyond the five candidates that its record has.

A run that an earlier program wrote has no logits any more: the model reads it again when they are
asked for, once. Must never import torch before it is needed: the app looks here at every paint.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from core.backends.background_call import BackgroundCall
from core.backends.worker import GenerationService
from core.document.turn import Turn
from core.playground.documents import Documents
from core.playground.keeping import other_model
from core.playground.looking.document_text import TokenText
from core.playground.model_state import ModelState
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun, TokenTexts, WrittenRun
from core.records.steps import BeamStep, Candidate, TokenStep
from core.text.readable import percent

READING = "the model reads this run again, since its logits are not at hand"

_SAME = 1e-3
"""Up to here, probabilities that were computed again are those of the run for whoever looks."""


@dataclass(slots=True)
class _Reading:
    turn: Turn
    call: BackgroundCall[float] | None = None
    is_unwanted: bool = False


class Lookup:
    """Looks up steps of the document at hand in the logits that its runs recorded."""

    def __init__(self, documents: Documents, model: ModelState, service: GenerationService) -> None:
        self._documents = documents
        self._model = model
        self._service = service
        self._reading: _Reading | None = None
        self._failed: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    @property
    def is_reading(self) -> bool:
        """Whether the model reads a run again; what comes of it is taken over here."""
        self._take()
        return self._reading is not None

    def recorded(self) -> tuple[RecordedRun, int] | None:
        """Return the recorded run of the selected step and its index; ``None`` without one.

        Where there is none, ``ask`` may bring it.
        """
        selected = self._documents.at_hand.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            return None
        self._take()
        turn, step = selected
        if self._reading is not None and self._reading.turn.key == turn.key:
            return None
        run = self._documents.store.run(turn.key)
        return None if run is None or step.index >= len(run.steps) else (run, step.index)

    def ask(self) -> str:
        """Have the selected step's run read again where nothing is recorded; return what to tell.

        That is ``READING`` while the model is at it, which ``is_reading`` says too, a reason where
        it cannot be, and nothing where all is there or, of beams, never was. A run that begins ends
        the reading.
        """
        selected = self._documents.at_hand.selected()
        if selected is None or isinstance(selected[1], BeamStep) or self.recorded() is not None:
            return ""
        turn = selected[0]
        info, document = self._model.info, self._documents.at_hand
        if self._reading is not None:
            self._reading.is_unwanted = self._reading.turn.key != turn.key
            return READING
        if info is None or document.is_running:
            return "the model is not ready" if info is None else "a run is going on"
        if turn.tokenizer_fingerprint != info.tokenizer_fingerprint:
            return (
                f"the logits of this run are not kept, and {info.name!r} cannot read the tokens of"
                f" {turn.model_name!r}; load that model to look closer"
            )
        if turn.key in self._failed:
            return self._failed.pop(turn.key)
        self._begin(turn)
        return READING

    def note(self) -> str:
        """Return what to know of the selected step's logits; empty where they are those it had."""
        selected = self._documents.at_hand.selected()
        return self._notes.get(selected[0].key, "") if selected is not None else ""

    def weighed(self, count: int) -> tuple[Candidate, ...]:
        """Return ``count`` candidates of the selected step, or as many as are known.

        Its record has five, which are there whatever ``count`` is. While a run goes on there are
        no more: to read what was recorded would take time from it.
        """
        document = self._documents.at_hand
        selected = document.selected()
        step = selected[1] if selected is not None else None
        if not isinstance(step, TokenStep):
            return ()
        told = step.distribution.candidates
        recorded = self.recorded()
        if recorded is None or document.is_running or count <= len(told):
            return told
        from core.looking_back.explain import explain

        try:
            rows = explain(*recorded, rows=count).rows
        except PlaygroundError:  # no longer kept
            return told
        known = {one.token_id for one in told}
        return (*told, *(one for one in rows if one.token_id not in known))[:count]

    def placed(self, candidate: Candidate, turn: Turn, before: tuple[int, ...]) -> Candidate:
        """Return ``candidate`` with the text that it has behind the first tokens of ``turn``.

        By itself, a token's text may lack the space that stands before it there. Where nobody can
        tell, and inside a character, it stays as it is.
        """
        run = self._documents.store.run(turn.key)
        start = run.start if run is not None else turn.started
        texts = self._texts(turn)
        if texts is None or start is None:
            return candidate
        state = texts.state_after((*start.context_token_ids, *before))
        text, _ = texts.extend(state, candidate.token_id)
        return dataclasses.replace(candidate, text=text) if text else candidate

    def token_text_of(self, node_id: int) -> TokenText | None:
        """Return what names a token under the model of a run; ``None`` where nobody can."""
        texts = self._texts(self._documents.turn_of(node_id))
        return texts.token_text if texts is not None else None

    def _texts(self, turn: Turn) -> TokenTexts | None:
        run = self._documents.store.run(turn.key)
        if run is not None:
            return run.start.texts
        info = self._model.info
        is_same = info is not None and info.tokenizer_fingerprint == turn.tokenizer_fingerprint
        return self._service.token_texts() if is_same else None

    def _begin(self, turn: Turn) -> None:
        reading = self._reading = _Reading(turn)
        run, recorder = _written(turn), self._documents.store.recorder(turn.key)

        def is_cancelled() -> bool:
            reading.is_unwanted |= self._documents.at_hand.is_running
            return reading.is_unwanted

        reading.call = BackgroundCall(
            lambda: self._service.read_again(run, recorder, is_cancelled),
            "the run could not be read again",
        )

    def _take(self) -> None:
        """Take over how a reading ended, if one has."""
        reading = self._reading
        if reading is None or reading.call is None or not reading.call.is_done:
            return
        self._reading, turn, info = None, reading.turn, self._model.info
        try:
            difference = reading.call.result()
        except PlaygroundError as error:
            self._documents.store.forget(turn.key)
            if not reading.is_unwanted:
                self._failed[turn.key] = str(error)
            return
        notes = []
        if turn.model is not None and info is not None:
            notes.append(other_model(turn.model, info))
        if difference > _SAME:
            notes.append(f"probabilities differ by up to {percent(difference)} from the run's")
        self._notes[turn.key] = "; ".join(note for note in notes if note)


def _written(turn: Turn) -> WrittenRun:
    steps = [step for step in turn.steps if isinstance(step, TokenStep)]
    forced = frozenset(at for at, step in enumerate(steps) if step.chosen_by == "person")
    started = turn.started
    return WrittenRun(
        context_token_ids=started.context_token_ids if started is not None else (),
        token_ids=tuple(step.token.token_id for step in steps),
        settings=turn.settings,
        seed=started.seed if started is not None else 0,
        forced=forced,
        forced_tokens=0 if turn.is_by_hand else len(forced),
        told=tuple(step.distribution.candidates for step in steps),
        drawn=started.drawn if started is not None else 0,
        counted=started.counted if started is not None else 0,
    )
