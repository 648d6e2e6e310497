"""Why this token: one step looked into, with every candidate, its dice and the other presets.

Must never put model text through markup, and never runs the model: all is computed from what the
run recorded. What a person decides here is handed to the app.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.backends.newest_call import NewestCall
from core.looking_back.dice import explain_draw
from core.looking_back.explain import MOST_ROWS, explain, look_up, tokens_of
from core.looking_back.other_settings.ghosts import Ghosts, find_ghosts
from core.looking_back.other_settings.sweep import Sweeper
from core.playground.playground import Playground
from core.presets.key_name import key_name
from core.records.errors import PlaygroundError
from core.records.recorded_run import RecordedRun
from core.records.steps import Candidate, TokenStep
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import DIM, Row, line, lines
from tui.common.visible import visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact
from tui.why.candidate_list import CandidateList
from tui.why.step_screen import Forked, StepScreen
from tui.why.token_rows import candidate, candidate_head, dice, effects, facts, found, perplexity

_LOOKS_PER_SECOND = 10
_REPEATS = "[$text-warning]the chosen token: the text would repeat[/]"


class WhyScreen(StepScreen):
    """Explains the token step that the document's cursor is on."""

    KIND = TokenStep
    AUTO_FOCUS = "#why-candidates"  # from the first moment: a key typed ahead is none of a text
    PAGE = "why this token"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, playground: Playground) -> None:
        super().__init__(playground)
        self._rows: tuple[Candidate, ...] = ()
        self._ghosts: Ghosts | None = None
        self._ghosts_of: tuple[str, int] | None = None
        self._calls: NewestCall[Ghosts] = NewestCall("the other presets could not be tried")
        self._is_waiting = False
        """Whether the model reads the run again, whose logits are not there."""

    def compose(self) -> ComposeResult:
        """Lay the page out: the facts on the left, every candidate on the right."""
        yield LinesView(id="why-title")
        with Horizontal(id="why-body"):
            with Vertical(id="why-facts"):
                with VerticalScroll(id="why-scroll", can_focus=False):
                    yield Static(id="why-text")
                yield ExactLine(placeholder="/ any text or token id", id="why-look-up")
                yield Static(id="why-found")
            yield CandidateList(id="why-candidates")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Explain the selected step."""
        options = self.query_one(OptionList)
        options.border_subtitle = self.hint
        self.query_one("#why-facts").border_title = "why"
        self.set_interval(1 / _LOOKS_PER_SECOND, self._take_ghosts)

    def show(self) -> None:
        """Draw the selected step."""
        lookup = self._playground.lookup
        recorded = lookup.recorded()
        self._show_title("why this token")
        self.query_one("#why-found", Static).update(line([(visible_prose(lookup.note()), DIM)]))
        if recorded is None:
            told = lookup.ask()
            self._is_waiting = lookup.is_reading
            self._tell(
                told or "Nothing is recorded for this step: only greedy and sampling runs are."
            )
            return
        run, index = recorded
        try:
            self._explain(run, index)
        except PlaygroundError as error:
            self._tell(str(error))
            return
        self._find_ghosts(run)

    def _explain(self, run: RecordedRun, index: int) -> None:
        explanation = explain(run, index, rows=MOST_ROWS)
        draw = explain_draw(run, index)
        settings = run.start.settings
        rows: list[Row] = [
            *facts(explanation),
            perplexity(self._playground.document),
            [],
            *effects(explanation, settings, run.start.texts),
            [],
            *dice(
                draw,
                was_sampled=settings.do_sample,
                is_forced=index in run.forced,
            ),
        ]
        self.query_one("#why-text", Static).update(lines(rows))
        token = explanation.token
        listed = explanation.rows
        is_outside = all(one.token_id != token.token_id for one in listed)
        self._rows = (*listed, token) if is_outside else listed
        self._show_candidates(token.token_id, index)

    def _show_candidates(self, chosen: int, index: int) -> None:
        ghosts = self._ghosts
        known = ghosts is not None and index < len(ghosts.steps)
        picked = ghosts.at(index) if ghosts is not None and known else {}
        options = self.query_one(OptionList)
        width = options.scrollable_content_region.width
        # The title begins a cell behind where the rows do.
        options.border_title = candidate_head(width)[1:].rstrip()
        before = options.highlighted
        options.clear_options()
        options.add_options(
            Option(
                line(
                    candidate(
                        one,
                        [self._mark(name) for name in picked.get(one.token_id, ())],
                        width,
                        is_chosen=one.token_id == chosen,
                    )
                )
            )
            for one in self._rows
        )
        options.highlighted = min(before or 0, len(self._rows) - 1)

    def _mark(self, preset_name: str) -> str:
        """Return a short mark for a preset: its key, where it has one."""
        preset = self._playground.next_run.book.named(preset_name)
        return key_name(preset.key) or visible_prose(preset_name)

    def _tell(self, sentence: str) -> None:
        self._rows = ()
        self.query_one(OptionList).clear_options()
        self.query_one("#why-text", Static).update(line([(visible_prose(sentence), DIM)]))

    # What other presets would have picked

    def _find_ghosts(self, run: RecordedRun) -> None:
        wanted = (run.key, len(run.token_ids))
        if wanted == self._ghosts_of:
            return
        self._ghosts, self._ghosts_of = None, wanted
        presets = self._playground.next_run.book.presets
        self._calls.ask(lambda: find_ghosts(Sweeper(run), presets))

    def _take_ghosts(self) -> None:
        if self._is_waiting and not self._playground.lookup.is_reading:
            self._is_waiting = False
            self.show()
        call = self._calls.finished()
        if call is None or self._calls.is_busy:  # another run is looked at meanwhile
            return
        try:
            self._ghosts = call.result()
        except PlaygroundError as error:
            self.query_one("#why-found", Static).update(line([(visible_prose(str(error)), DIM)]))
            return
        recorded = self._playground.lookup.recorded()
        if recorded is not None and self._rows:
            run, index = recorded
            self._show_candidates(run.token_ids[index], index)

    def action_disagreement(self) -> None:
        """Go to the next step at which two presets would pick different tokens."""
        recorded = self._playground.lookup.recorded()
        if recorded is None or self._ghosts is None:
            return
        index = recorded[1]
        found_at = self._ghosts.next_disagreement(index)
        if found_at is None:
            found_at = self._ghosts.next_disagreement(-1)
        if found_at is not None:
            self.action_step(found_at - index)

    # What a person does

    def action_look_up(self) -> None:
        """Go to the box that looks a token up."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _looked_up(self, event: Input.Submitted) -> None:
        lookup = self._playground.lookup
        recorded = lookup.recorded()
        if recorded is None:
            told = lookup.ask() or "nothing is recorded for this step"
            self.query_one("#why-found", Static).update(line([(visible_prose(told), DIM)]))
            return
        run, index = recorded
        try:
            readings = tokens_of(run.start.texts, exact(event.value))
            rows = found([(look_up(run, index, one.token_id), one.length) for one in readings])
        except PlaygroundError as error:
            rows = [[(visible_prose(str(error)), "$text-error")]]
        self.query_one("#why-found", Static).update(lines(rows))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        if event.option_index >= len(self._rows):
            return
        chosen = self._rows[event.option_index]
        if not self._playground.forks.would_repeat(chosen):
            self.dismiss(Forked(chosen))
            return
        event.option_list.border_subtitle = _REPEATS

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.option_list.border_subtitle = self.hint

    def action_fork(self) -> None:
        """Go on with the candidate that is picked."""
        self.query_one(OptionList).action_select()

    def action_close(self) -> None:
        """Leave the box, or go back to the main screen."""
        box = self.query_one(Input)
        if box.has_focus:
            self.query_one(OptionList).focus()
        else:
            self.dismiss(False)
