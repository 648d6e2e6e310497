"""What was recorded of a step, beyond the five candidates that its record has.

Must never import torch before it is needed: the app looks here at every paint.
"""

from __future__ import annotations

import dataclasses

from core.document.turn import Turn
from core.playground.documents import Documents
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.steps import Candidate, TokenStep


class Lookup:
    """Looks up steps of the document at hand in the logits that its runs recorded."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def recorded(self) -> tuple[RecordedRun, int] | None:
        """Return the recorded run of the selected step and its index; ``None`` without one."""
        selected = self._documents.at_hand.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            return None
        run = self._documents.store.run(selected[0].key)
        return None if run is None else (run, selected[1].index)

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
        if run is None:
            return candidate
        texts = run.start.texts
        state = texts.state_after((*run.start.context_token_ids, *before))
        text, _ = texts.extend(state, candidate.token_id)
        return dataclasses.replace(candidate, text=text) if text else candidate
