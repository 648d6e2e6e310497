"""The main screen: where everything stands, and which key does what.

Must never hold state: its keys call the app's actions, and it draws the playground it is given.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from core.preset_book import PresetBook
from tui.changed_rows import compositor
from tui.playground import Playground
from tui.prompt_hint import prompt_hint
from tui.screens.breakpoints import HEIGHTS, WIDTHS
from tui.widgets.fetch_line import FetchLine
from tui.widgets.key_bar import KeyBar
from tui.widgets.legend import Legend
from tui.widgets.preset_list import PresetList
from tui.widgets.prompt_input import PromptInput
from tui.widgets.prompt_line import PromptLine
from tui.widgets.prompt_tokens import PromptTokens
from tui.widgets.status_line import StatusLine
from tui.widgets.step_panel import StepPanel
from tui.widgets.title_bar import TitleBar
from tui.widgets.transcript import Transcript
from tui.widgets.welcome import EXAMPLE_PROMPT, Welcome

FETCH_KEY = "ctrl+n"
"""Fetches the model that is missing, and then switches to it."""

FIRST_STEP, NEWEST_STEP = -(10**9), 10**9
"""Offsets that reach either end from anywhere."""


class MainScreen(Screen[None]):
    """Document on the left, what the model weighed on the right, the prompt below."""

    class Resized(Message):
        """The widgets have new sizes, for which some of them draw otherwise."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.stop", "stop", key_display="esc", priority=True),
        Binding("escape", "focus_prompt", "to the prompt", key_display="esc", priority=True),
        Binding("left", "app.step(-1)", "step back", key_display="←"),
        Binding("right", "app.step(1)", "step on", key_display="→"),
        Binding("f12", "app.help", "help", key_display="F12", priority=True),
        Binding("home", f"app.step({FIRST_STEP})", "first step", show=False),
        Binding("end", f"app.step({NEWEST_STEP})", "newest step", show=False),
        Binding("alt+left", "app.step(-1)", "step back", show=False, priority=True),
        Binding("alt+right", "app.step(1)", "step on", show=False, priority=True),
        Binding("pageup", "app.scroll(-1)", "scroll up", show=False),
        Binding("pagedown", "app.scroll(1)", "scroll down", show=False),
        Binding("ctrl+l", "app.clear", "clear", priority=True),
        Binding("ctrl+l", "app.restore", "bring back", priority=True),
        Binding("f9", "app.why", "why", key_display="F9", priority=True),
        Binding("ctrl+b", "app.history", "branches", priority=True),
        Binding("ctrl+z", "app.undo", "undo", show=False),
        Binding("ctrl+y", "app.redo", "redo", show=False),
        Binding("ctrl+r", "app.by_hand", "by hand", show=False, priority=True),
        Binding(FETCH_KEY, "app.fetch_offered", "get the model", priority=True),
        Binding(FETCH_KEY, "app.switch", "switch to it", priority=True),
        Binding("ctrl+o", "app.models", "models", priority=True),
        Binding("ctrl+s", "app.save_run", "save", show=False, priority=True),
        Binding("ctrl+t", "app.toggle_tint", "tint", priority=True),
        Binding("f10", "toggle_tokens", "tokens", show=False, priority=True),
        Binding("f11", "app.inspect", "inspect", show=False, priority=True),
        # What these keys do elsewhere comes first; here it says why nothing happens.
        Binding("f9,ctrl+b,ctrl+l,ctrl+s", "app.no_text_yet", show=False, priority=True),
    ]

    def __init__(self, book: PresetBook) -> None:
        super().__init__()
        self._book = book
        self._compositor = compositor()
        self.is_behind = False
        """Whether the last painting left something for the next one."""
        self._bind_presets()

    def _bind_presets(self) -> None:
        """Give every preset its key, once however often; the app's own are refused to presets."""
        bindings = [
            Binding(preset.key, f"app.pick_preset({index})", "preset", show=False, priority=True)
            for index, preset in enumerate(self._book.presets)
            if preset.key
        ]
        for binding in bindings:
            self._bindings.key_to_bindings.pop(binding.key, None)
        self._bindings = BindingsMap.merge([self._bindings, BindingsMap(bindings)])

    def _follow(self, book: PresetBook) -> None:
        """Bind the keys of presets that have come since."""
        if book is not self._book:
            self._book = book
            self._bind_presets()
            self.refresh_bindings()

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TitleBar(id="title-bar")
        with Horizontal(id="body"):
            with Vertical(id="document") as document:
                document.border_title = "document"
                yield Welcome(id="welcome")
                yield Transcript(id="transcript")
                yield Legend(id="legend")
            with Vertical(id="side"):
                yield StepPanel(id="step-panel")
                yield PresetList(self._book, id="presets")
        yield FetchLine(id="fetch")
        yield PromptTokens(id="prompt-tokens")
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
        self._paint_document(playground)
        panel = self.query_one(StepPanel)
        panel.show(playground.session)
        self.is_behind = panel.is_behind
        self._follow(playground.book)
        self.query_one(PresetList).show(playground.book, playground.preset)
        self.query_one(PromptTokens).follow(playground)
        self.query_one(PromptLine).follow(playground)

    def paint_status(self, playground: Playground) -> None:
        """Bring the status line and the context gauge up to date."""
        self.query_one(StatusLine).show(playground, is_typing=bool(self.prompt.text))
        self.query_one(FetchLine).show(playground.model.fetching, "^n")
        self.query_one(TitleBar).show(playground.model.info, playground.branches.context_used)

    def _paint_document(self, playground: Playground) -> None:
        is_empty = not playground.session.turns
        transcript = self.transcript
        if is_empty:
            self.query_one(Welcome).show(playground)
        self.query_one(Welcome).display = is_empty
        transcript.can_focus = not is_empty
        self.query_one(Legend).display = transcript.is_tinted
        self.prompt.offer(
            EXAMPLE_PROMPT if is_empty else None,
            prompt_hint(playground),
            can_run=not playground.session.is_running,
            is_by_hand=playground.is_by_hand,
        )
        transcript.show(playground.session)
