"""Could this setting have written this? A text scored under the model at hand and every preset.

Must never wait for the model: a thread of its own asks for the score, and a timer looks whether it
has come. No text goes through markup.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from core.backends.background_call import BackgroundCall
from core.files.texts import read_text_file
from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.scores import PresetVerdict, ScoredText
from tui.actions.bindings import bindings
from tui.actions.keys import THE_TABLES
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.row_picker import RowPicker
from tui.common.step_rows import CHOSEN, DIM, Row
from tui.common.visible import visible_prose
from tui.inputs.screen import InputScreen
from tui.prose.legend import Legend
from tui.prose.view import ProseView
from tui.score.input import ScoreInput
from tui.score.rows import (
    drawn_step,
    preset_named,
    score_pieces,
    summary_row,
    token_row,
    verdict_head,
    verdict_row,
    verdict_rows,
)

Score = Callable[[str, Callable[[], bool]], ScoredText]
"""Scores a text, which may take seconds; the second argument says when nobody waits any more.

It raises ``PlaygroundError`` where the text cannot be scored."""

_LOOKS_PER_SECOND = 10
_MOST_PRESETS, _MOST_PRESETS_SHORT = 14, 8


class ScoreScreen(Screen[None]):
    """A text and, once it is scored, its tokens in their tints above the answers of the presets."""

    CSS_PATH = ["screen.tcss"]  # noqa: RUF012 - textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - textual declares it
    PAGE = "scoring"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(
        self,
        score: Score,
        presets: Sequence[Preset],
        text: str = "",
        *,
        told: Callable[[str], str] = THE_TABLES.told,
    ) -> None:
        """Begin with an empty text, or score ``text`` at once; ``told`` gives an action's key."""
        super().__init__()
        self._told = told
        self._text_at_start = text
        self._score = score
        self._presets = tuple(presets)
        self._leaves = threading.Event()
        self._call: BackgroundCall[ScoredText] | None = None
        self._timer: Timer | None = None
        self._text = ""
        self._scored: ScoredText | None = None
        self._step = -1

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield LinesView(id="score-title")
        yield ScoreInput(self._told, id="score-input")
        yield ProseView(id="score-text")
        yield Static(id="score-said")
        with Vertical(id="score-result"):
            yield Legend(id="score-legend")
            yield LinesView(id="score-token")
            with Vertical(id="score-presets"):
                yield LinesView(id="score-head")
                yield RowPicker(id="score-rows")
            yield LinesView(id="score-verdict")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Let a person type at once."""
        self._timer = self.set_interval(1 / _LOOKS_PER_SECOND, self._look, pause=True)
        self.query_one("#score-input").border_title = "a text"
        scores, gets = self._told("score_it"), self._told("open_file")
        self.query_one("#score-input").border_subtitle = Content(
            f"{scores} scores it · ctrl+j: a new line · {gets} gets a file"
        )
        self.query_one("#score-text").border_title = "what each token cost"
        self.query_one("#score-presets").border_title = "could these presets have written it?  ↑ ↓"
        self._edit()
        if self._text_at_start:
            self._input.put(self._text_at_start)
            self.action_score()
        self.call_after_refresh(self._title)

    def on_resize(self) -> None:
        """Draw for the new size, once everything has it."""
        self.call_after_refresh(self._draw)

    def on_unmount(self) -> None:
        """Nobody waits for the score any more."""
        self._leaves.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        if action in ("token", "edit"):
            return self._scored is not None
        if action == "score":
            return self._call is None and self._scored is None
        if action == "open":
            return self._call is None
        return True

    # The text

    @property
    def _input(self) -> ScoreInput:
        return self.query_one(ScoreInput)

    def _edit(self) -> None:
        self._scored = None
        self._show_result(is_shown=False)
        self._input.focus()

    def action_edit(self) -> None:
        """Change the text that was scored."""
        self._edit()
        self._say([])

    def action_open(self) -> None:
        """Take the text of a file."""
        read: list[tuple[str, str]] = []

        def take(path: str) -> Callable[[], None]:
            return lambda: read.append((path, read_text_file(path)))

        screen = InputScreen("open a text file", take, hint="its path", accept="opens it")
        self.app.push_screen(screen, lambda taken: self._opened(*read[-1]) if taken else None)

    def _opened(self, path: str, text: str) -> None:
        self._input.put(text)
        self._text = self._input.exact_text
        self._edit()
        self._say([(f"{path} is open; {self._told('score_it')} scores it", DIM)])

    @on(ScoreInput.Changed)
    def _changed(self) -> None:
        """Leave out what was said of another text."""
        if self._call is None and self._input.exact_text != self._text:
            self._say([])

    # Scoring

    def action_score(self) -> None:
        """Ask for the score of the text, once all keys and pastes before have reached it."""
        self._input.call_later(self._begin)

    def _begin(self) -> None:
        if self._call is not None or self._scored is not None:
            return
        text = self._text = self._input.exact_text
        if not text:
            sentence = f"type or paste a text first, or get a file with {self._told('open_file')}"
            self._say([(sentence, "$text-warning")])
            return
        self._call = BackgroundCall(
            lambda: self._score(text, self._leaves.is_set), "the text could not be scored"
        )
        self._input.read_only = True
        self._say([("◌ ", "$text-warning"), (f"scoring {len(text):,} characters…", "")])
        self.refresh_bindings()
        if self._timer is not None:
            self._timer.resume()

    def _look(self) -> None:
        """Take over the score, if it has come."""
        call = self._call
        if call is None or not call.is_done:
            return
        self._call = None
        self._input.read_only = False
        if self._timer is not None:
            self._timer.pause()
        try:
            self._scored = call.result()
        except PlaygroundError as error:
            self._say([("✗ ", "bold $text-error"), (str(error), "")])
            self.refresh_bindings()
            return
        self._say([])
        self._show_result(is_shown=True)

    # What came out

    def _show_result(self, *, is_shown: bool) -> None:
        """Show the tinted text and the presets' answers in place of the text area, or back."""
        self._input.display = not is_shown
        self.query_one("#score-text").display = is_shown
        self.query_one("#score-result").display = is_shown
        self.refresh_bindings()
        scored = self._scored
        if scored is None:
            self._title()
            return
        picker = self.query_one(RowPicker)
        self.query_one(ProseView).show(score_pieces(self._text, scored))
        picker.focus()
        stopped = (at for at, one in enumerate(scored.verdicts) if one.forbidden is not None)
        picker.picked = next(stopped, 0)
        self.call_after_refresh(self._first_look)

    def _first_look(self) -> None:
        self._draw()
        self._to_forbidden()

    @on(RowPicker.Moved)
    def _to_forbidden(self) -> None:
        """Set off the token that the picked preset forbids."""
        verdict = self._verdict
        if self._scored is not None and verdict is not None:
            found = verdict.forbidden
            self._go_to(found.index - self._scored.unscored if found is not None else -1)

    @property
    def _verdict(self) -> PresetVerdict | None:
        verdicts = self._scored.verdicts if self._scored is not None else ()
        picked = self.query_one(RowPicker).picked
        return verdicts[picked] if picked < len(verdicts) else None

    @on(ProseView.Clicked)
    def _clicked(self, event: ProseView.Clicked) -> None:
        self._go_to(event.step)

    def action_token(self, offset: int) -> None:
        """Set off the next token, or the one before."""
        if self._scored is not None:
            last = len(self._scored.tokens) - 1
            self._go_to(min(last, max(0, self._step + offset)))

    def _go_to(self, step: int) -> None:
        if self._scored is not None:
            self._step = step
            self.query_one(ProseView).mark(drawn_step(self._scored, step) if step >= 0 else -1)
            self._draw_facts()

    @on(RowPicker.Resized)
    def _draw(self) -> None:
        self._title()
        scored = self._scored
        if scored is None:
            return
        picker = self.query_one(RowPicker)
        most = _MOST_PRESETS if self.has_class("-tall") else _MOST_PRESETS_SHORT
        picker.styles.height = max(1, min(most, len(scored.verdicts)))
        width = picker.scrollable_content_region.width
        picker.show_rows([verdict_row(one, scored, width) for one in scored.verdicts])
        self.query_one("#score-head", LinesView).update_rows([verdict_head(width)])
        self._draw_facts()

    def _draw_facts(self) -> None:
        scored, verdict = self._scored, self._verdict
        if scored is None:
            return
        view = self.query_one("#score-token", LinesView)
        width = view.size.width
        view.update_rows([summary_row(scored, width), token_row(scored, self._step, width)])
        view = self.query_one("#score-verdict", LinesView)
        if verdict is not None:
            preset = preset_named(self._presets, verdict.preset_name)
            view.update_rows(verdict_rows(verdict, preset, scored, view.size.width))

    def _title(self) -> None:
        row: Row = [
            (" score", "bold " + CHOSEN),
            ("  could this setting have written this?", DIM),
        ]
        self.query_one("#score-title", LinesView).update_rows([row])

    def _say(self, parts: Row) -> None:
        """Tell a sentence below the text, or nothing."""
        said = self.query_one("#score-said", Static)
        said.display = bool(parts)
        content = [Content.styled(visible_prose(text), style) for text, style in parts]
        said.update(Content("").join(content))

    def action_close(self) -> None:
        """Go back; a scoring that goes on is ended."""
        self.dismiss()
