"""The app's actions on a step: look into it, branch from it, scrub, score, go through the tree.

Must never compute anything: the screens and the playground do. Screens are imported when opened.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from core.playground.runs import Notice
from core.records.scores import ScoredText, WrittenTokens
from core.records.steps import BeamStep
from tui.app.part import AppPart


class StepActions(AppPart):
    """What can be done with a step; a part of the app."""

    def action_why(self) -> None:
        """Explain the selected step."""
        from tui.why.beams import BeamsScreen
        from tui.why.tokens import WhyScreen

        def closed(looks_on: bool | None) -> None:
            if not looks_on:
                self.playground.document.let_go()
            self.changed()
            if looks_on:
                self.action_why()

        selected = self.playground.document.selected()
        if selected is not None and not isinstance(self.screen, WhyScreen | BeamsScreen):
            self.playground.document.hold_cursor()
            has_beams = isinstance(selected[1], BeamStep)
            screen = BeamsScreen(self.playground) if has_beams else WhyScreen(self.playground)
            self.push_screen(screen, closed)

    def on_why_screen_forked(self, event: Message) -> None:
        """Go on with another candidate than the one that was chosen."""
        from tui.why.tokens import WhyScreen

        if isinstance(event, WhyScreen.Forked):
            self.pop_screen()
            self.playground.fork(event.chosen)
            self.changed()

    def on_beams_screen_forked(self, event: Message) -> None:
        """Go on with any token that a beam had to offer."""
        from tui.why.beams import BeamsScreen

        if isinstance(event, BeamsScreen.Forked):
            self.pop_screen()
            self.playground.fork_beam(event.parent_beam, event.chosen)
            self.changed()

    def action_scrub(self) -> None:
        """Move the settings over the selected run, to see what they would have changed."""
        from core.looking_back.explain import look_up
        from tui.scrub.screen import ScrubResult, ScrubScreen

        playground = self.playground
        recorded = playground.branches.recorded()
        selected = playground.document.selected()
        if recorded is None or selected is None or not playground.is_free_to_branch():
            playground.say_unless("only a greedy or sampling run can be scrubbed")
            self.changed()
            return
        run, step = recorded
        first = playground.document.first_position(selected[0])

        def scrubbed(result: ScrubResult | None) -> None:
            if result is not None:
                self._leave_why()
                pick = None
                if result.pick is not None:
                    pick = look_up(run, result.step, result.pick, result.settings)
                playground.rerun(first + result.step, result.settings, pick)
                self.changed()

        preset = playground.book.presets[0]
        named = [one for one in playground.book.presets if one.name == selected[0].preset_name]
        self.push_screen(
            ScrubScreen(
                run,
                named[0] if named else preset,
                playground.book.presets,
                step,
                playground.save_preset,
            ),
            scrubbed,
        )

    def _leave_why(self) -> None:
        from tui.why.tokens import WhyScreen

        if isinstance(self.screen, WhyScreen):
            self.pop_screen()

    def action_write_here(self) -> None:
        """Put typed text in the place of the selected step's token."""
        from tui.inputs.screen import InputScreen

        def written(was_taken: bool | None) -> None:
            if was_taken:
                self._leave_why()
                self.changed()

        self.push_screen(
            InputScreen(
                "instead of this token",
                self.playground.fork_text,
                hint="any text; a word begins with its space",
                accept="goes on from it",
            ),
            written,
        )

    def action_save_run(self) -> None:
        """Write the selected step's run to a file."""
        from core.playground.run_file import FORMAT_OF_SUFFIX, free_name, save_run
        from tui.inputs.screen import InputScreen

        document = self.playground.document
        selected = document.selected()
        if selected is None:
            return
        turn = selected[0]

        def save(path: str) -> None:
            self.playground.notice = Notice(f"saved as {save_run(path, document, turn)}")

        self.push_screen(
            InputScreen(
                f"save this run to a file: {', '.join(FORMAT_OF_SUFFIX)}",
                save,
                hint="its name",
                accept="saves it",
                value=free_name(self.playground.branches.name_of(turn)),
            ),
            lambda _was_taken: self.changed(),
        )

    def action_tree(self) -> None:
        """Show the tree of all runs."""
        from tui.tree.screen import TreeScreen

        if self.playground.is_free_to_branch():
            branches = self.playground.branches
            screen = TreeScreen(branches.tree, branches.token_text_of, self.playground.go)
            self.push_screen(screen, self._tree_left)
        else:
            self.changed()

    def _tree_left(self, _result: object) -> None:
        self.playground.branches.follow()
        self.changed()

    def action_score(self) -> None:
        """Ask of any text which presets could have written it."""
        from tui.score.screen import ScoreScreen

        self.push_screen(ScoreScreen(self.playground.score, self.playground.book.presets))

    def action_score_document(self) -> None:
        """Score the document: what each token cost, and who could have written the last run."""
        from tui.score.screen import ScoreScreen

        playground = self.playground
        document = playground.document
        text, written = document.text, document.turns[-1].token_ids
        prompt = document.token_ids[: len(document.token_ids) - len(written)]

        def score(typed: str, is_cancelled: Callable[[], bool]) -> ScoredText:
            # The document's own tokens need not be those that its text would be encoded to.
            tokens = WrittenTokens(prompt, written)
            return playground.score(tokens if typed == text else typed, is_cancelled)

        self.push_screen(ScoreScreen(score, playground.book.presets, text))

    def action_undo(self) -> None:
        """Go back to the document before the last run."""
        self.playground.undo()
        self.changed()

    def action_redo(self) -> None:
        """Take back an undo."""
        self.playground.redo()
        self.changed()

    def action_by_hand(self) -> None:
        """Take each step oneself, or let the preset run."""
        self.playground.toggle_by_hand()
        self.changed()

    def action_choose(self, number: int) -> None:
        """Choose candidate ``number`` of the newest step and go one step on."""
        self.playground.choose(number)
        self.changed()
