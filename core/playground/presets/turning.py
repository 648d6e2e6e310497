"""The settings of the picked preset as dials, and what they make of the step that is looked at.

Must never weigh a step on the thread that asks: one of its own does, and the newest settings win.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from core.backends.newest_call import NewestCall
from core.looking_back.other_settings.dial_table import RUN_DIALS, Dial
from core.looking_back.other_settings.dials import Dials
from core.looking_back.other_settings.look import Looker, StepLook
from core.playground.changes import Changes
from core.playground.documents import Documents
from core.playground.looking.lookup import Lookup
from core.playground.model_state import ModelState
from core.playground.presets.next_run import NextRun
from core.playground.presets.recommended import recommended
from core.records.errors import PlaygroundError
from core.records.recorded_run import TokenTexts
from core.records.settings import Settings


@dataclass(frozen=True, slots=True)
class Effect:
    """What the dials make of step ``index`` of a run of ``count``.

    ``look`` is ``None`` while that is not known yet, or of settings that were a moment ago.
    """

    look: StepLook | None
    index: int
    count: int
    texts: TokenTexts


class Turning:
    """One dial is picked; what is turned applies from the next run on."""

    def __init__(
        self, next_run: NextRun, documents: Documents, lookup: Lookup, model: ModelState
    ) -> None:
        self.is_open = False
        """Whether the dials are shown, and what they make of the step with them."""
        self.picked = 0
        """Which of ``RUN_DIALS`` the keys turn."""
        self._next_run = next_run
        self._documents = documents
        self._lookup = lookup
        self._model = model
        self._dials: Dials | None = None
        self._calls: NewestCall[StepLook] = NewestCall("the step could not be weighed again")
        self._looker: tuple[str, Looker] | None = None
        self._asked: tuple[str, int, Settings] | None = None
        self._look: StepLook | None = None

    @property
    def dial(self) -> Dial:
        """The one that is picked."""
        return RUN_DIALS[self.picked]

    @property
    def dials(self) -> Dials:
        """How they stand; where something else has changed the settings, they follow."""
        own, turned = self._next_run.own_settings, self._next_run.turned
        dials = self._dials
        if dials is None or dials.own != own or dials.settings != turned:
            dials = self._dials = Dials.of(own, turned)
        return dials

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are to choose from."""
        return self._model.info.vocabulary_size if self._model.info is not None else 10**9

    def pick(self, index: int) -> None:
        """Pick a dial; behind the last comes the first."""
        self.picked = index % len(RUN_DIALS)

    def move(self, offset: int, *, is_large: bool = False) -> None:
        """Turn the picked dial a step to the left (-1) or right (1)."""
        self._take(self.dials.moved(self.dial, offset, self.vocabulary_size, is_large=is_large))

    def reset(self) -> None:
        """Turn the picked dial back to where the preset has it."""
        self._take(self.dials.reset(self.dial.name))

    @property
    def recommended(self) -> Settings | None:
        """What the model's own file recommends in the place of the picked preset's settings.

        Raises:
            SettingsError: What it says contradicts itself.
        """
        return recommended(self._model.info, self._next_run.own_settings)

    def recommend(self) -> None:
        """Turn the picked preset's settings to what the model's own file recommends."""
        settings = self.recommended
        if settings is not None:
            self._next_run.turn(settings)

    def _take(self, dials: Dials) -> None:
        self._dials = dials
        self._next_run.turn(dials.settings)

    # What they make of a step

    @property
    def is_looking(self) -> bool:
        """Whether a step is being weighed again; ``drain`` takes over what came of it."""
        return self._calls.is_busy

    def effect(self) -> Effect | None:
        """Return what the dials make of the selected step, and have it weighed again if need be.

        ``None`` where they are not shown or there is nothing to weigh again: no step, one of
        beams, one that is being written, or one whose logits are not at hand.
        """
        selected = self._documents.at_hand.selected()
        if not self.is_open or selected is None or self._documents.at_hand.is_running:
            return None
        recorded = self._lookup.recorded()
        if recorded is None:
            return None
        run, index = recorded
        turn, settings = selected[0], self._next_run.turned.without_beams()
        wanted = (turn.key, index, settings)
        if wanted != self._asked:
            if self._looker is None or self._looker[0] != turn.key:
                self._looker = turn.key, Looker(run)
                self._look = None
            self._asked = wanted
            self._calls.ask(partial(self._looker[1].look_at_step, settings, index))
        look = self._look if self._look is not None and self._look.index == index else None
        return Effect(look, index, len(run.token_ids), run.start.texts)

    def drain(self, changes: Changes) -> None:
        """Take over a step that was weighed again, or why it could not be."""
        call = self._calls.finished()
        if call is None or self._asked is None:
            return
        changes.anything = True
        try:
            self._look = call.result()
        except PlaygroundError as error:
            _, index, _ = self._asked
            self._look = StepLook(index, fault=str(error))
