"""The main screen: where everything stands, and which key does what.

Must never hold state: its keys call the app's actions, and it draws the playground it is given.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from core.playground.playground import Playground
from core.presets.book import PresetBook
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.breakpoints import HEIGHTS, WIDTHS
from tui.common.key_bar import KeyBar
from tui.main.dials_panel import DialsPanel
from tui.main.fetch_line import FetchLine
from tui.main.preset_list import PresetList
from tui.main.presets_fault import PresetsFault
from tui.main.prompt.hint import prompt_hint
from tui.main.prompt.input import PromptInput
from tui.main.prompt.line import PromptLine
from tui.main.prompt.tokens import PromptTokens
from tui.main.settings_line import SettingsLine
from tui.main.status_line import StatusLine
from tui.main.step_panel import StepPanel
from tui.main.title_bar import TitleBar
from tui.main.welcome import EXAMPLE_PROMPT, Welcome
from tui.prose.legend import Legend
from tui.prose.transcript import Transcript


class MainScreen(Screen[None]):
    """Document on the left, what the model weighed on the right, the prompt below."""

    class Resized(Message):
        """The widgets have new sizes, for which some of them draw otherwise."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    PAGE = "the main page"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, book: PresetBook) -> None:
        super().__init__()
        self._book = book

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TitleBar(id="title-bar")
        with Horizontal(id="body"):
            with Vertical(id="document") as box:
                box.border_title = "document"
                yield Welcome(id="welcome")
                yield Transcript(id="transcript")
                yield Legend(id="legend")
            with Vertical(id="side"):
                yield StepPanel(id="step-panel")
                yield PresetList(self._book, id="presets")
                yield DialsPanel(id="dials")
        yield PresetsFault(id="presets-fault")
        yield FetchLine(id="fetch")
        yield PromptTokens(id="prompt-tokens")
        yield SettingsLine(id="settings")
        yield StatusLine(id="status")
        yield PromptLine(id="prompt-line")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Let a person type at once."""
        self.prompt.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back to the prompt from the document alone."""
        if action == "focus_prompt":
            return isinstance(self.focused, Transcript)
        return super().check_action(action, parameters)

    def action_focus_prompt(self) -> None:
        """Let a person type again, if the document has the focus."""
        if isinstance(self.focused, Transcript):
            self.set_focus(self.prompt)

    def action_toggle_tokens(self) -> None:
        """Show or hide the prompt's tokens."""
        self.query_one(PromptTokens).toggle()

    @on(PromptInput.Changed)
    @on(PromptInput.SelectionChanged)
    def _prompt_changed(self) -> None:
        self.query_one(PromptTokens).read(self.prompt)

    @on(PromptTokens.Counted)
    def _counted(self, event: PromptTokens.Counted) -> None:
        self.query_one(PromptLine).count(event.text)
        self._place_count()

    def on_resize(self) -> None:
        """Place the count and say so, once the widgets have their new sizes."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._place_count()
        self.post_message(self.Resized())

    def _place_count(self) -> None:
        """Show the count where there is a frame to show it in, or where there is none."""
        line = self.query_one(PromptLine)
        # Only there does the class change anything, and every change lays the screen out.
        line.set_class(self.has_class("-narrow") and bool(line.border_subtitle), "-counted")

    @property
    def prompt(self) -> PromptInput:
        """Where the prompt is typed."""
        return self.query_one(PromptInput)

    @property
    def transcript(self) -> Transcript:
        """Where the document is shown."""
        return self.query_one(Transcript)

    def paint(self, playground: Playground) -> None:
        """Bring every widget but the status and the gauge up to date, as far as it changed."""
        self.set_class(playground.next_run.is_by_hand, "-by-hand")
        self.set_class(playground.turning.is_open, "-dials")
        self._paint_document(playground)
        next_run, turning = playground.next_run, playground.turning
        weighed, effect = playground.lookup.weighed, turning.effect()
        self.query_one(StepPanel).show(playground.document, weighed, effect)
        self.query_one(PresetList).show(next_run.book, next_run.preset, next_run.is_changed)
        is_changed = next_run.is_changed(next_run.preset)
        self.query_one(DialsPanel).show(turning, next_run.preset, is_changed=is_changed)
        self.query_one(SettingsLine).show(next_run)
        self.query_one(PromptTokens).follow(playground)
        self.query_one(PromptLine).follow(playground)

    def paint_status(self, playground: Playground) -> None:
        """Bring the status line and the context gauge up to date."""
        self.query_one(StatusLine).show(playground, is_typing=bool(self.prompt.text))
        self.query_one(PresetsFault).show(playground.presets_file.fault)
        self.query_one(FetchLine).show(playground.model.fetching, playground.told)
        self.query_one(TitleBar).show(playground.model.info, playground.documents.context_used)

    def has_room_for(self, sentence: str) -> bool:
        """Whether the status line can show all of ``sentence``."""
        return self.query_one(StatusLine).has_room_for(sentence)

    def _paint_document(self, playground: Playground) -> None:
        is_empty = not playground.document.turns
        transcript = self.transcript
        if is_empty:
            self.query_one(Welcome).show(playground)
        self.query_one(Welcome).display = is_empty
        transcript.can_focus = not is_empty
        self.query_one(Legend).display = transcript.is_tinted
        self.prompt.offer(
            EXAMPLE_PROMPT if is_empty else None,
            prompt_hint(playground),
            can_run=not playground.document.is_running,
            is_by_hand=playground.next_run.is_by_hand,
        )
        transcript.show(playground.document)
