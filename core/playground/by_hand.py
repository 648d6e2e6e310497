"""Steps by hand: a person chooses among the candidates that are shown, by their numbers.

Must never choose anything itself.
"""

from __future__ import annotations

from collections.abc import Callable

from core.playground.documents import Documents
from core.playground.forks import Forks
from core.playground.looking.lookup import Lookup
from core.playground.model_state import ModelState
from core.playground.notices import Notices
from core.playground.presets.next_run import NextRun
from core.playground.prompts import Prompts
from core.playground.runs import Runs
from core.records.steps import BeamStep, Candidate


class ByHand:
    """What a person's choice of a candidate does."""

    def __init__(
        self,
        documents: Documents,
        lookup: Lookup,
        next_run: NextRun,
        model: ModelState,
        runs: Runs,
        forks: Forks,
        prompts: Prompts,
        notices: Notices,
    ) -> None:
        self._documents = documents
        self._lookup = lookup
        self._next_run = next_run
        self._model = model
        self._runs = runs
        self._forks = forks
        self._prompts = prompts
        self._notices = notices

    def toggle(self) -> None:
        """Take each step oneself from now on, or let the preset run again."""
        self._next_run.is_by_hand = not self._next_run.is_by_hand
        self._documents.at_hand.forget_next()
        self._notices.clear()
        if not self._next_run.is_by_hand:
            self._notices.say("the preset runs by itself again")

    @property
    def must_weigh(self) -> bool:
        """Whether the token after the end is to be weighed, so that a person can choose it."""
        document, info = self._documents.at_hand, self._model.info
        if not self._next_run.is_by_hand or info is None:
            return False
        if not document.turns or document.is_running:
            return False
        prompts = self._prompts
        if prompts.is_full or prompts.awaits_message or prompts.queued is not None:
            return False
        return document.weighed_for != (self._next_run.settings, info.name)

    @property
    def can_choose(self) -> bool:
        """Whether a digit stands for a candidate that is shown."""
        document = self._documents.at_hand
        is_shown = document.next_token is not None or document.cursor is not None
        has_turns = bool(document.turns)
        return self._next_run.is_by_hand and has_turns and (is_shown or document.is_running)

    def choose(self, number: int) -> None:
        """Choose candidate ``number`` of those that are shown, and weigh the token after it.

        Of a step that is looked back at, the text goes another way from there.
        """
        document = self._documents.at_hand
        if not self._runs.can_begin:
            self._notices.warn("the next token is not weighed yet")
            return
        if document.cursor is None:
            candidates = document.next_token.distribution.candidates if document.next_token else ()
            choose: Callable[[Candidate], None] = self._runs.write
        else:
            selected = document.selected()
            if selected is None or isinstance(selected[1], BeamStep):
                self._say_how_beams_fork()
                return
            candidates, choose = selected[1].distribution.candidates, self._forks.to_candidate
        if number > len(candidates):
            self._notices.warn(f"there is no candidate {number} here")
        else:
            choose(candidates[number - 1])

    def take(self, number: int) -> None:
        """Go on with candidate ``number`` of those that are shown, by hand or as a fork."""
        selected = self._documents.at_hand.selected()
        step = selected[1] if selected is not None else None
        if self.can_choose:
            self.choose(number)
        elif isinstance(step, BeamStep):
            self._say_how_beams_fork()
        elif step is not None:
            candidate = self._lookup.weighed(number)[number - 1]
            if self._forks.would_repeat(candidate):
                self._notices.say("that is the chosen token: the text would repeat")
            else:
                self._forks.to_candidate(candidate)

    def _say_how_beams_fork(self) -> None:
        why = self._notices.told("why")
        self._notices.warn(f"beams weigh several texts; {why} goes on from any beam")
