"""The inspector: tokenizer, configuration, modules and sizes of the model that runs.

Must never import a model library or read files itself: a thread of its own asks the backend, and
a timer looks whether it has answered. No text of a file goes through markup.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from core.backends.background_call import BackgroundCall
from core.playground.playground import Playground
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from tui.actions.bindings import bindings
from tui.actions.pages import PAGES
from tui.common.key_bar import KeyBar
from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, NUMBER, Row, line
from tui.common.visible import visible_prose
from tui.models.report_rows import Section, report_sections
from tui.models.report_view import ReportView
from tui.models.section_bar import SectionBar

_LOOKS_PER_SECOND = 10


class InspectorScreen(Screen[None]):
    """One scrolling page on the model, with a key for each section."""

    CSS_PATH = ["inspector.tcss"]  # noqa: RUF012 - textual declares it
    PAGE = "the inspector"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAGES[PAGE])

    def __init__(self, playground: Playground) -> None:
        super().__init__()
        self._playground = playground
        self._read_for: ModelInfo | None = None
        self._call: BackgroundCall[tuple[Section, ...]] | None = None
        self._sections: tuple[Section, ...] = ()
        self._told: Row = []

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield LinesView(id="inspector-title")
        yield SectionBar(id="inspector-sections")
        yield Static(id="inspector-state")
        yield ReportView(id="inspector-report")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(ReportView).focus()
        self.set_interval(1 / _LOOKS_PER_SECOND, self._look)
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        """Take over what the thread has found, and follow a change of the model."""
        playground = self._playground
        if playground.model.load_error is not None:
            self._fail(playground.model.load_error)
        elif playground.model.info is None or playground.model.loading_stage is not None:
            self._tell([("◌ ", "$text-warning"), ("the model is being loaded…", NUMBER)])
        elif playground.model.info is not self._read_for:
            self._begin(playground.model.info)
        elif self._call is not None and self._call.is_done:
            call, self._call = self._call, None
            try:
                self._show(call.result())
            except PlaygroundError as error:
                self._fail(str(error))

    def _begin(self, info: ModelInfo) -> None:
        self._read_for = info
        playground = self._playground
        self._call = BackgroundCall(
            lambda: report_sections(playground.model.inspect(), info), "the model could not be read"
        )
        self._tell([("◌ ", "$text-warning"), ("reading…", NUMBER)])

    def _tell(self, parts: Row) -> None:
        """Show one sentence in place of the page."""
        if parts == self._told:
            return
        self._told = parts
        self._sections = ()
        self._title()
        self.query_one(SectionBar).show((), 0)
        self.query_one(ReportView).display = False
        state = self.query_one("#inspector-state", Static)
        state.display = True
        state.update(line(parts))

    def _fail(self, sentence: str) -> None:
        self._read_for = self._playground.model.info
        self._tell([("✗ ", "bold $text-error"), (visible_prose(sentence), NUMBER)])

    def _show(self, sections: tuple[Section, ...]) -> None:
        self._sections, self._told = sections, []
        self.query_one("#inspector-state", Static).display = False
        view = self.query_one(ReportView)
        view.display = True
        view.show_sections(sections)
        view.focus()
        self._title()
        self._moved()

    def _title(self) -> None:
        info = self._playground.model.info
        name = visible_prose(info.name) if info is not None else ""
        row: Row = [(" inspector", "bold " + CHOSEN), (f"  {name}", NUMBER)]
        self.query_one("#inspector-title", LinesView).update_rows([row])

    @on(ReportView.Moved)
    def _moved(self) -> None:
        names = [section.name for section in self._sections]
        self.query_one(SectionBar).show(names, self.query_one(ReportView).current)

    @on(SectionBar.Picked)
    def _picked(self, event: SectionBar.Picked) -> None:
        self.query_one(ReportView).jump(event.index)

    def action_jump(self, index: int) -> None:
        """Scroll to a section."""
        self.query_one(ReportView).jump(index)

    def action_next(self, offset: int) -> None:
        """Scroll to the next section, or the one before."""
        if self._sections:
            view = self.query_one(ReportView)
            view.jump((view.current + offset) % len(self._sections))

    def action_copy_section(self) -> None:
        """Copy the section that is looked at."""
        if self._sections:
            section = self._sections[self.query_one(ReportView).current]
            self.app.copy_to_clipboard(section.text)

    def action_copy_all(self) -> None:
        """Copy all sections."""
        if self._sections:
            self.app.copy_to_clipboard(self.query_one(ReportView).plain)

    def action_close(self) -> None:
        """Go back to the main screen."""
        self.dismiss()
