"""What the app knows and decides: the presets, the document, looking back and branching.

Must never touch a widget: it is told what a person did, and says what changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.backends.background_call import BackgroundCall
from core.document.document import Fork
from core.looking_back.beam_contest import ParentBeam, text_beyond
from core.playground.runs import CHANGED, Notice, Runs
from core.presets.book import Preset
from core.presets.finding import load_presets
from core.presets.key_name import key_name
from core.presets.writer import save_preset
from core.records.errors import PlaygroundError
from core.records.prompt_tokens import PromptToken
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.records.settings import Settings
from core.records.steps import BeamStep, Candidate, Hypothesis, TokenStep

_SPELLING = 0.5
"""How long, in seconds, it is waited whether a text can be spelled; later, the run itself tells."""


class Playground(Runs):
    """The state behind the screen; all calls come from the app's thread."""

    def prompt_tokens(self, text: str) -> tuple[PromptToken, ...]:
        """Return the tokens that a run would make of ``text``; any thread may call it.

        Raises:
            PlaygroundError: No model is loaded, or ``text`` is not valid Unicode.
        """
        return self.model.prompt_tokens(text, is_beginning=not self.document.turns)

    def score(self, text: Scorable | WrittenTokens, is_cancelled: Callable[[], bool]) -> ScoredText:
        """Score ``text`` under the model and all presets; any thread may call it, but waits.

        Raises:
            PlaygroundError: No model is loaded, a run is going on, or the text cannot be scored.
        """
        return self._service.score(text, self.book.presets, is_cancelled)

    def use_model(self, name: str) -> None:
        """Switch to another model; the document stays, and a run is stopped first."""
        self.notice = None
        self.model.use(name)

    def fetch(self, name: str) -> None:
        """Fetch a model in the background; the one at hand stays usable."""
        complaint = self.model.fetching.start(name)
        self.notice = Notice(complaint, is_warning=True) if complaint else None

    def pick(self, preset: Preset) -> None:
        """Use ``preset`` from the next run on."""
        was_picked, self.preset = preset is self.preset, preset
        if not was_picked and self.is_by_hand:
            self.document.forget_next()  # another preset leaves others, a conversation's none
        running = self.document.is_running and not self.document.is_weighing
        told = "is picked already" if was_picked else ("applies to the next run" if running else "")
        self.notice = Notice(f"{preset.name} {told}") if told else None

    def restore(self) -> None:
        """Bring the cleared document back."""
        if self.is_free_to_branch():
            self.documents.restore()
            self.notice = None

    def go(self, node_id: int) -> None:
        """Go to the document of any run of the tree."""
        if self.is_free_to_branch():
            self.documents.go(node_id)
            self.notice = None

    def undo(self) -> None:
        """Go back to the document that was shown before this one."""
        if self.is_free_to_branch():
            was_there = self.documents.undo()
            self.notice = None if was_there else Notice("there is nothing to undo")

    def redo(self) -> None:
        """Take back an undo."""
        if self.is_free_to_branch():
            was_there = self.documents.redo()
            self.notice = None if was_there else Notice("there is nothing to redo")

    def would_repeat(self, candidate: Candidate) -> bool:
        """Whether a fork to ``candidate`` would but write the document's own text again.

        By hand it is a way back, and what is drawn is drawn anew.
        """
        selected = self.document.selected()
        if selected is None or self.model.info is None or self.is_by_hand:
            return False
        turn, step = selected
        if not isinstance(step, TokenStep) or candidate.token_id != step.token.token_id:
            return False
        is_same = (turn.settings, turn.model_name) == (self._settings(), self.model.info.name)
        return is_same and not turn.settings.do_sample

    def fork(self, candidate: Candidate) -> None:
        """Put ``candidate`` where the selected step's token stands, and write on from there."""
        selected = self.document.selected()
        if selected is None or not self.is_free_to_branch():
            return
        turn, step = selected
        if not isinstance(step, TokenStep):
            return
        chosen = self.documents.placed(candidate, turn, turn.token_ids[: step.index])
        replaced = "" if candidate.token_id == step.token.token_id else step.token.text
        fork = Fork(step.index + 1, candidate.text, replaced)
        self._branch(self.document.position, None, fork, chosen)

    def fork_beam(self, parent: ParentBeam, chosen: Candidate) -> None:
        """Write on from ``parent`` and ``chosen``, of the selected step of a beam search."""
        selected = self.document.selected()
        if selected is None or not self.is_free_to_branch():
            return
        turn, step = selected
        if not isinstance(step, BeamStep):
            return
        beam = parent.hypothesis
        lacking = "" if beam is None else text_beyond(turn.steps, beam, turn.token_ids)
        before = () if beam is None else beam.token_ids
        leader = step.hypotheses[0].token
        replaced = "" if chosen.token_id == leader.token_id else leader.text
        placed = self.documents.placed(chosen, turn, before)
        fork = Fork(step.index + 1, chosen.text, replaced, lacking)
        self._branch(self.document.position, beam, fork, placed)

    def _branch(
        self, position: int, beam: Hypothesis | None, fork: Fork, chosen: Candidate | str
    ) -> None:
        self.documents.leave(position, beam)
        request = self.document.branch(
            fork,
            chosen,
            self._preset_name,
            self._settings(),
            self.model.info,
            is_by_hand=self.is_by_hand,
        )
        self._submit(request, typed=chosen if isinstance(chosen, str) else "")

    def fork_text(self, text: str) -> None:
        """Put typed ``text`` where the selected step's token stands, and write on from there.

        Raises:
            PlaygroundError: There is nothing to put there, or it cannot be put there now.
        """
        selected = self.document.selected()
        if selected is None or not isinstance(selected[1], TokenStep):
            raise PlaygroundError("only in a greedy or sampling run can text take a token's place")
        if not text:
            raise PlaygroundError("type what should stand there; a word begins with its space")
        if not self.is_free_to_branch():
            raise PlaygroundError(
                f"wait until the run is over, or stop it with {self.told('stop')}"
            )
        # What cannot be spelled is told while the document is still whole.
        read = partial(self.model.prompt_tokens, text, is_beginning=False)
        call = BackgroundCall(read, "the text cannot stand there")
        if call.wait(_SPELLING):
            call.result()
        step = selected[1]
        fork = Fork(step.index + 1, "", step.token.text)
        self._branch(self.document.position, None, fork, text)

    def rerun(self, position: int, settings: Settings, pick: Candidate | None = None) -> None:
        """Write on from before the step at ``position`` with other settings.

        With ``pick`` for the token that they choose there.
        """
        turn = self.document.turn_at(position)
        if turn is None or not self.is_free_to_branch():
            return
        index = position - self.document.first_position(turn)
        step = turn.steps[index]
        name = turn.preset_name.removesuffix(CHANGED) + CHANGED
        if pick is None or not isinstance(step, TokenStep):
            self.documents.leave(position)
            request = self.document.begin("", name, settings, self.model.info)
        else:
            chosen = self.documents.placed(pick, turn, turn.token_ids[:index])
            self.documents.leave(position)
            fork = Fork(index + 1, pick.text, step.token.text)
            request = self.document.branch(fork, chosen, name, settings, self.model.info)
        self._submit(request)

    def save_preset(self, name: str, settings: Settings) -> str:
        """Save a preset to the file that the user owns, and use that file; return what to tell.

        Raises:
            PlaygroundError: The name is taken or wrong, or the file cannot be written.
        """
        path = save_preset(self.book, name, settings)
        self.book = load_presets(path)
        # Presets may have been added to the file by hand meanwhile; the one at hand may be gone.
        by_name = {preset.name: preset for preset in self.book.presets}
        self.preset = by_name.get(self.preset.name, self.preset)
        key = by_name[name].key
        where = f"on {key_name(key)}" if key else f"in the palette ({self.told('palette')})"
        return f"saved as {name} in {path}; it is {where} now"

    def toggle_by_hand(self) -> None:
        """Take each step oneself from now on, or let the preset run again."""
        self.is_by_hand = not self.is_by_hand
        self.document.forget_next()
        self.notice = None if self.is_by_hand else Notice("the preset runs by itself again")

    @property
    def can_choose(self) -> bool:
        """Whether a digit stands for a candidate that is shown."""
        document = self.document
        is_shown = document.next_token is not None or document.cursor is not None
        return self.is_by_hand and bool(document.turns) and (is_shown or document.is_running)

    def choose(self, number: int) -> None:
        """Choose candidate ``number`` of those that are shown, and weigh the token after it.

        Of a step that is looked back at, the text goes another way from there.
        """
        document = self.document
        if document.is_running or self.model.info is None:
            self.notice = Notice("the next token is not weighed yet", is_warning=True)
            return
        if document.cursor is None:
            candidates = document.next_token.distribution.candidates if document.next_token else ()
            choose: Callable[[Candidate], None] = self._write
        else:
            selected = document.selected()
            if selected is None or isinstance(selected[1], BeamStep):
                self._say_how_beams_fork()
                return
            candidates, choose = selected[1].distribution.candidates, self.fork
        if number > len(candidates):
            self.notice = Notice(f"there is no candidate {number} here", is_warning=True)
        else:
            choose(candidates[number - 1])

    def weighed(self, count: int) -> tuple[Candidate, ...]:
        """Return ``count`` candidates of the selected step, or as many as are known.

        Its record has five. While a run goes on there are no more: to read what was recorded would
        take time from it.
        """
        selected = self.document.selected()
        step = selected[1] if selected is not None else None
        if not isinstance(step, TokenStep):
            return ()
        told = step.distribution.candidates
        recorded = self.documents.recorded()
        if recorded is None or self.document.is_running or count <= len(told):
            return told
        from core.looking_back.explain import explain

        try:
            rows = explain(*recorded, rows=count).rows
        except PlaygroundError:  # no longer kept
            return told
        known = {one.token_id for one in told}
        return (*told, *(one for one in rows if one.token_id not in known))[:count]

    def take(self, number: int) -> None:
        """Go on with candidate ``number`` of those that are shown, by hand or as a fork."""
        selected = self.document.selected()
        step = selected[1] if selected is not None else None
        if self.can_choose:
            self.choose(number)
        elif isinstance(step, BeamStep):
            self._say_how_beams_fork()
        elif step is not None:
            candidate = self.weighed(number)[number - 1]
            if self.would_repeat(candidate):
                self.notice = Notice("that is the chosen token: the text would repeat")
            else:
                self.fork(candidate)

    def _say_how_beams_fork(self) -> None:
        sentence = f"beams weigh several texts; {self.told('why')} goes on from any beam"
        self.notice = Notice(sentence, is_warning=True)

    def say_unless(self, sentence: str) -> None:
        """Give a notice, unless there is one that says why already."""
        self.notice = self.notice or Notice(sentence, is_warning=True)

    def is_free_to_branch(self) -> bool:
        """Return whether the document can be changed now; a notice says why not."""
        if self.model.info is None:
            self.notice = Notice("the model is not ready yet", is_warning=True)
        elif self.document.is_running:
            self.notice = Notice(self._running, is_warning=True)
        else:
            return True
        return False
