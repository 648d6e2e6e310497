"""What is typed: it runs, or waits for a model, or stays with who typed it.

Must never lose a prompt: one that cannot be taken is left where it was typed.
"""

from __future__ import annotations

from functools import partial

from core.document.conversation import open_answer
from core.playground.documents import Documents
from core.playground.keeping import Keeping
from core.playground.model_state import ModelState
from core.playground.moves import Moves
from core.playground.notices import Notices
from core.playground.presets.next_run import NextRun
from core.playground.runs import Runs
from core.records.prompt_tokens import SPACE_AT_THE_END, ends_in_a_words_space
from core.sessions.entries import PromptSent, PromptWaits


class Prompts:
    """Takes prompts, one of which may wait."""

    def __init__(
        self,
        documents: Documents,
        next_run: NextRun,
        model: ModelState,
        runs: Runs,
        moves: Moves,
        notices: Notices,
        keeping: Keeping,
    ) -> None:
        self.queued: str | None = None
        """The prompt that waits, for the model or for a run's end; ``None`` without one."""
        self.sent = list(keeping.restored.prompts)
        """The history: what was sent, oldest first, once where it was sent twice in a row."""
        self._left = keeping.restored.waiting
        self._keeping = keeping
        self._has_told_of_space = False
        self._documents = documents
        self._next_run = next_run
        self._model = model
        self._runs = runs
        self._moves = moves
        self._notices = notices

    @property
    def is_full(self) -> bool:
        """Whether the context has no room for another token; a conversation drops old turns."""
        turns, info = self._documents.at_hand.turns, self._model.info
        if not turns or info is None or self._next_run.preset.chat is not None:
            return False
        finished, is_same = turns[-1].finished, turns[-1].model_name == info.name
        return is_same and finished is not None and finished.reason == "context_full"

    @property
    def awaits_message(self) -> bool:
        """Whether only a message can be sent: an answer that has ended cannot be gone on with."""
        has_answer = open_answer(self._documents.at_hand.turns) is not None
        is_kept = has_answer and not self._moves.clears_at_end
        return self._next_run.preset.chat is not None and not is_kept

    def allows(self, prompt: str) -> bool:
        """Return whether ``prompt`` can be taken now; a notice says why not."""
        complaint = self._complaint(prompt)
        if complaint:
            self._notices.warn(complaint)
        return not complaint

    def send(self, prompt: str, put: tuple[int, ...] = ()) -> bool:
        """Run ``prompt``, or queue it while the model loads; return whether it was taken.

        ``put`` are tokens that a person puts first, where nothing has to wait.
        """
        if not self.allows(prompt):
            return False
        if self._model.info is None or self._moves.clears_at_end:
            self.queued = prompt
            self._notices.clear()
            self._keeping.record(PromptWaits(prompt))
        else:
            self._run(prompt, put)
        if prompt and self.sent[-1:] != [prompt]:
            self.sent.append(prompt)
            self._keeping.record(PromptSent(prompt))
        return True

    def take_left(self) -> str | None:
        """Return, once, the prompt that waited when the session was left; ``None`` without one."""
        prompt, self._left = self._left, ""
        session = self._keeping.session
        if not prompt or session is None or not session.is_saved:  # it waits in another program
            return None
        self._keeping.record(PromptWaits(""))
        self._notices.owe("this prompt has not run yet")
        return prompt

    def take_back(self) -> str | None:
        """Return the prompt that waits, which then waits no more; ``None`` without one."""
        prompt, self.queued = self.queued, None
        if prompt:
            self._keeping.record(PromptWaits(""))
        return prompt

    def run_queued(self) -> None:
        """Run the prompt that waits, if there is one and it can."""
        if self._runs.can_begin:
            prompt = self.take_back()
            if prompt is not None:
                self._run(prompt)

    def _complaint(self, prompt: str) -> str:
        """Return why ``prompt`` cannot be taken, or nothing."""
        has_to_wait = self._model.info is None or self._moves.clears_at_end
        is_blank = self._next_run.preset.chat is not None and prompt.isspace()
        if self._model.load_error is not None:
            return "no model is loaded, so nothing can run"
        if self._documents.at_hand.is_running and not self._moves.clears_at_end:
            return f"{self._runs.still_running}; your text stays here"
        if is_blank or (self.awaits_message and not prompt):
            return "in a conversation, type a message first"
        if has_to_wait and self.queued is not None:
            return "one prompt is waiting already; your text stays here"
        return ""

    def _run(self, prompt: str, put: tuple[int, ...] = ()) -> None:
        chat = self._next_run.preset.chat
        is_message = bool(prompt) and chat is not None
        is_gone_on_with = self._next_run.is_by_hand and not is_message and not put
        if is_gone_on_with and self._documents.at_hand.turns:
            self._runs.write(prompt or None)
            self._tell_of_space(prompt)
            return
        self._runs.begin(prompt, chat, put)
        if chat is None:
            self._tell_of_space(prompt)

    def _tell_of_space(self, prompt: str) -> None:
        """Say once what a space at a prompt's end does."""
        tokens_of = partial(self._model.prompt_tokens, is_beginning=False)
        if not self._has_told_of_space and ends_in_a_words_space(prompt, tokens_of):
            self._has_told_of_space = True
            self._notices.warn(SPACE_AT_THE_END)
