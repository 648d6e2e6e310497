"""The actions that open a page on a step or a run: why, scrub, score, write, save.

Must never compute anything: the pages and the playground do. Pages are imported when opened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from textual.app import App

from core.backends.background_call import BackgroundCall
from core.playground.playground import Playground
from core.playground.run_file import Export, free_name
from core.records.errors import PlaygroundError
from core.records.outlook import Prospect
from core.records.scores import ScoredText, WrittenTokens
from core.records.steps import BeamStep
from tui.main.screen import MainScreen

_LOOK_SECONDS = 0.1

_OFFERED_WITHIN = 0.1
"""So many seconds a disk has to say which names there are; later, none is offered."""


class StepActions:
    """What can be done with a step, and with the run that it is of."""

    def __init__(
        self,
        app: App[None],
        main: MainScreen,
        playground: Playground,
        changed: Callable[[], None],
    ) -> None:
        self._app = app
        self._main = main
        self._playground = playground
        self._changed = changed

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return (
            self.why,
            self.scrub,
            self.write_here,
            self.save_run,
            self.score,
            self.score_document,
            self.outlook,
        )

    def why(self) -> None:
        """Explain the selected step."""
        from tui.why.beams import BeamsScreen
        from tui.why.step_screen import Forked
        from tui.why.tokens import WhyScreen

        def closed(end: Forked | bool | None) -> None:
            if isinstance(end, Forked):
                end.go_on(self._playground)
            elif not end:
                self._playground.cursor.let_go()
            self._changed()
            if end is True:
                self.why()

        selected = self._playground.document.selected()
        if selected is not None and not isinstance(self._app.screen, WhyScreen | BeamsScreen):
            self._playground.cursor.hold()
            has_beams = isinstance(selected[1], BeamStep)
            screen = BeamsScreen(self._playground) if has_beams else WhyScreen(self._playground)
            self._app.push_screen(screen, closed)

    def scrub(self) -> None:
        """Move the settings over the selected run, to see what they would have changed."""
        from tui.scrub.screen import ScrubResult, ScrubScreen

        playground = self._playground
        recorded = playground.lookup.recorded()
        selected = playground.document.selected()
        if recorded is None or selected is None or not playground.runs.allows_change():
            told = playground.lookup.ask()
            if told:
                playground.notices.warn(told)
            if selected is not None and playground.lookup.is_reading:
                place = selected[0].key, selected[1].index
                self._app.set_timer(_LOOK_SECONDS, partial(self._scrub_when_read, place))
            playground.notices.warn_unless_told("only a greedy or sampling run can be scrubbed")
            self._changed()
            return
        run, step = recorded
        first = playground.document.first_position(selected[0])

        def scrubbed(result: ScrubResult | None) -> None:
            if result is not None:
                self._leave_why()
                playground.forks.to_settings(first + result.step, result.settings)
                self._changed()

        presets = playground.next_run.book.presets
        named = [one for one in presets if one.name == selected[0].preset_name]
        self._app.push_screen(
            ScrubScreen(
                run,
                named[0] if named else presets[0],
                presets,
                step,
                playground.next_run.save_preset,
                selected[0].settings.without_beams(),
            ),
            scrubbed,
        )

    def _scrub_when_read(self, place: tuple[str, int]) -> None:
        """Scrub once the run at ``place`` is read again, if that is still what one looks at.

        ``place`` is the key of a turn and the index of a step in it.
        """
        selected = self._playground.document.selected()
        if selected is None or (selected[0].key, selected[1].index) != place:
            return
        if self._playground.lookup.is_reading:
            self._app.set_timer(_LOOK_SECONDS, partial(self._scrub_when_read, place))
        elif self._playground.lookup.recorded() is not None:
            self._playground.notices.clear()
            self.scrub()

    def _leave_why(self) -> None:
        from tui.why.step_screen import StepScreen

        if isinstance(self._app.screen, StepScreen):
            self._app.pop_screen()

    def write_here(self) -> None:
        """Put typed text in the place of the selected step's token."""
        from tui.inputs.screen import InputScreen

        def written(was_taken: bool | None) -> None:
            if was_taken:
                self._leave_why()
                self._changed()

        self._app.push_screen(
            InputScreen(
                "instead of this token",
                self._playground.forks.to_text,
                hint="any text; a word begins with its space",
                accept="goes on from it",
            ),
            written,
        )

    def save_run(self) -> None:
        """Write the selected step's run to a file, its branch or all runs."""
        from core.playground.run_file import exports_at

        documents, notices = self._playground.documents, self._playground.notices
        selected = self._playground.document.selected()
        if selected is not None:
            name = documents.name_of(selected[0])
            self._save(exports_at(documents, selected[0]), name, notices.say)

    def _save(self, exports: list[Export], name: str, say: Callable[[str], None]) -> None:
        """Ask for a file's name, and which of ``exports`` is to be written there; tell where."""
        from core.document.export.files import FORMAT_OF_SUFFIX
        from tui.inputs.screen import InputScreen

        saved: list[str] = []

        def save(path: str) -> Callable[[], None]:
            file = exports[screen.choice].file(path)
            return lambda: saved.append(str(file.write()))

        def closed(_was_taken: bool | None) -> None:
            if saved:
                say(f"saved as {saved[0]}")
            elif screen.is_waiting:
                say("the disk has not taken the file yet")
            self._changed()

        screen = InputScreen(
            f"save {{}} as {', '.join(FORMAT_OF_SUFFIX)}",
            save,
            hint="its name",
            accept="saves it",
            value=_offered(name),
            choices=[one.name for one in exports],
        )
        self._app.push_screen(screen, closed)

    def save_picked(self, picked: tuple[int, ...], say: Callable[[str], None]) -> None:
        """Write runs that are picked in the tree: one with its branch, or several side by side."""
        from core.playground.run_file import exports_of, exports_of_several

        documents = self._playground.documents
        if len(picked) > 1:
            self._save(exports_of_several(documents, picked), "comparison", say)
            return
        name = documents.tree.called(picked[0]) if picked[0] else "runs"
        exports = exports_of(documents, picked[0])
        if exports:
            self._save(exports, name, say)

    def score(self) -> None:
        """Ask of any text which presets could have written it."""
        from tui.score.screen import ScoreScreen

        playground = self._playground
        presets = playground.next_run.book.presets
        self._app.push_screen(ScoreScreen(playground.score, presets, told=playground.told))

    def score_document(self) -> None:
        """Score the document: what each token cost, and who could have written the last run."""
        from tui.score.screen import ScoreScreen

        playground = self._playground
        document = playground.document
        text, written = document.text, document.turns[-1].token_ids
        prompt = document.token_ids[: len(document.token_ids) - len(written)]

        def score(typed: str, is_cancelled: Callable[[], bool]) -> ScoredText:
            # The document's own tokens need not be those that its text would be encoded to.
            tokens = WrittenTokens(prompt, written)
            return playground.score(tokens if typed == text else typed, is_cancelled)

        presets = playground.next_run.book.presets
        self._app.push_screen(ScoreScreen(score, presets, text, told=playground.told))

    def outlook(self) -> None:
        """Show what could be said: from the selected step, or behind the document's end."""
        from tui.tree.outlook.screen import OutlookScreen

        playground, outlooks = self._playground, self._playground.outlooks
        is_main = self._app.screen is self._main
        is_looking_back = playground.document.cursor is not None
        typed = self._main.prompt.text
        place = outlooks.place(typed, at_step=not is_main or is_looking_back)
        if place is None:
            self._changed()
            return

        def ended(way: tuple[Prospect, ...] | None) -> None:
            if way:
                self._leave_why()
                if outlooks.go_on(place, way):
                    self._main.prompt.take(place.prompt)
            self._changed()

        self._app.push_screen(OutlookScreen(place, partial(outlooks.look, place)), ended)


def _offered(run_name: str) -> str:
    """Return a file's name for a run that no file has, empty where a disk does not say."""
    call = BackgroundCall(partial(free_name, run_name), "no name can be offered")
    with suppress(PlaygroundError):
        if call.wait(_OFFERED_WITHIN):
            return call.result()
    return ""
