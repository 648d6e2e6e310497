"""Another way from a step of the document: another candidate, other text, other settings.

Must never lose the way that it leaves: that stays in the tree.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from core.backends.background_call import BackgroundCall
from core.document.document import Document, Fork
from core.looking_back.beam_contest import ParentBeam, text_beyond
from core.playground.documents import Documents
from core.playground.looking.lookup import Lookup
from core.playground.model_state import ModelState
from core.playground.notices import Notices
from core.playground.presets.next_run import NextRun
from core.playground.runs import Runs
from core.presets.book import CHANGED
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Hypothesis, TokenStep

_SPELLING = 0.5
"""How long, in seconds, it is waited whether a text can be spelled; later, the run itself tells."""


class Forks:
    """Forks the document at the selected step, where nothing runs."""

    def __init__(
        self,
        documents: Documents,
        lookup: Lookup,
        next_run: NextRun,
        model: ModelState,
        runs: Runs,
        notices: Notices,
    ) -> None:
        self._documents = documents
        self._lookup = lookup
        self._next_run = next_run
        self._model = model
        self._runs = runs
        self._notices = notices

    def would_repeat(self, candidate: Candidate) -> bool:
        """Whether a fork to ``candidate`` would but write the document's own text again.

        By hand it is a way back, and what is drawn after a person's token is drawn otherwise.
        """
        selected, info = self._documents.at_hand.selected(), self._model.info
        if selected is None or info is None or self._next_run.is_by_hand:
            return False
        turn, step = selected
        if not isinstance(step, TokenStep) or candidate.token_id != step.token.token_id:
            return False
        is_same = (turn.settings, turn.model_name) == (self._next_run.settings, info.name)
        return is_same and not turn.settings.do_sample

    def to_candidate(self, candidate: Candidate) -> None:
        """Put ``candidate`` where the selected step's token stands, and write on from there."""
        selected = self._documents.at_hand.selected()
        if selected is None or not self._runs.allows_change():
            return
        turn, step = selected
        if not isinstance(step, TokenStep):
            return
        chosen = self._lookup.placed(candidate, turn, turn.token_ids[: step.index])
        replaced = "" if candidate.token_id == step.token.token_id else step.token.text
        self._fork(Fork(step.index + 1, candidate.text, replaced), chosen)

    def to_beam(self, parent: ParentBeam, chosen: Candidate) -> None:
        """Write on from ``parent`` and ``chosen``, of the selected step of a beam search."""
        selected = self._documents.at_hand.selected()
        if selected is None or not self._runs.allows_change():
            return
        turn, step = selected
        if not isinstance(step, BeamStep):
            return
        beam = parent.hypothesis
        lacking = "" if beam is None else text_beyond(turn.steps, beam, turn.token_ids)
        before = () if beam is None else beam.token_ids
        leader = step.hypotheses[0].token
        replaced = "" if chosen.token_id == leader.token_id else leader.text
        placed = self._lookup.placed(chosen, turn, before)
        self._fork(Fork(step.index + 1, chosen.text, replaced, lacking), placed, beam)

    def to_text(self, text: str) -> None:
        """Put typed ``text`` where the selected step's token stands, and write on from there.

        Raises:
            PlaygroundError: There is nothing to put there, or it cannot be put there now.
        """
        selected = self._documents.at_hand.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            raise PlaygroundError("only in a greedy or sampling run can text take a token's place")
        if not text:
            raise PlaygroundError("type what should stand there; a word begins with its space")
        if not self._runs.allows_change():
            stop = self._notices.told("stop")
            raise PlaygroundError(f"wait until the run is over, or stop it with {stop}")
        # What cannot be spelled is told while the document is still whole.
        read = partial(self._model.prompt_tokens, text, is_beginning=False)
        call = BackgroundCall(read, "the text cannot stand there")
        if call.wait(_SPELLING):
            call.result()
        step = selected[1]
        self._fork(Fork(step.index + 1, "", step.token.text), text)

    def to_tokens(self, token_ids: tuple[int, ...], text: str) -> None:
        """Put tokens of the model at hand from the selected step on, and write on from there.

        ``text`` is how they read.
        """
        document, next_run = self._documents.at_hand, self._next_run
        selected = document.selected()
        if selected is None or not self._runs.allows_change():
            return
        turn, step = selected
        token = step.token if isinstance(step, TokenStep) else step.hypotheses[0].token
        replaced = "" if token.token_id == token_ids[0] else token.text
        beam = beam_before(document)
        lacking = "" if beam is None else text_beyond(turn.steps, beam, turn.token_ids)
        self._documents.leave(document.position, beam)
        request = self._documents.at_hand.fork(
            Fork(step.index + 1, text, replaced, lacking),
            "",
            next_run.preset_name,
            next_run.settings,
            self._model.info,
            is_by_hand=next_run.is_by_hand,
        )
        self._runs.submit(replace(request, forced=token_ids))

    def to_settings(self, position: int, settings: Settings) -> None:
        """Write on from before the step at ``position`` with other settings.

        With the run's own dice, so that what comes is what they would have written from its start.
        """
        turn = self._documents.at_hand.turn_at(position)
        if turn is None or not self._runs.allows_change():
            return
        name = turn.preset_name.removesuffix(CHANGED) + CHANGED
        self._documents.leave(position)
        self._runs.submit(self._documents.at_hand.rerun(name, settings, self._model.info))

    def _fork(self, fork: Fork, chosen: Candidate | str, beam: Hypothesis | None = None) -> None:
        """Go on from ``chosen`` where the selected step's token stands."""
        next_run = self._next_run
        self._documents.leave(self._documents.at_hand.position, beam)
        request = self._documents.at_hand.fork(
            fork,
            chosen,
            next_run.preset_name,
            next_run.settings,
            self._model.info,
            is_by_hand=next_run.is_by_hand,
        )
        self._runs.submit(request, typed=chosen if isinstance(chosen, str) else "")


def beam_before(document: Document) -> Hypothesis | None:
    """Return the beam that leads before the selected step; ``None`` where none was searched."""
    selected = document.selected()
    if selected is None or not selected[1].index:
        return None
    turn, step = selected
    before = turn.steps[step.index - 1]
    return before.hypotheses[0] if isinstance(before, BeamStep) else None
