"""The document as soft-wrapped prose, drawn line by line, following its end.

Whether the end is followed is for a person to say, by scrolling: no change of size is one.

Must never put text through markup, and never redraws a line that has not changed.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from core.document.document import Document, Turn
from tui.common.marked_line import marked_line
from tui.common.visible import NEWLINE
from tui.prose.document import DocumentProse
from tui.prose.lines import Piece
from tui.prose.marked_text import marked_text, plain_text
from tui.prose.turn import (
    CHOSEN_BY_HAND,
    FAILURE,
    MARK,
    PLAIN,
    PROMPT,
    SPECIAL,
    TINTS,
)

LONGEST_LINE = 110
"""The most cells of a line: the eye loses its way back on longer ones."""

_LINES_AT_ONCE = 8
_MORE_LINES_AT_ONCE = 16
_MANY_LINES = 3
_SELECTED = "selected"
_CARET = "caret"


class Transcript(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a document; each token that a run wrote may be tinted by its surprisal."""

    BINDINGS: ClassVar[list[BindingType]] = [  # the other keys mean what they do on the page
        Binding("up", "scroll_up", "scroll up", show=False),
        Binding("down", "scroll_down", "scroll down", show=False),
    ]
    FOCUS_ON_CLICK: ClassVar[bool] = False
    """A click looks at a token; whoever types next means the prompt."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"transcript--{kind}"
        for kind in (*TINTS, PLAIN, MARK, PROMPT, SPECIAL, FAILURE, _SELECTED, _CARET)
    }

    virtual_size = Reactive(Size(0, 0), layout=False, repaint=False)
    """Textual's, but that no layout follows a change: no size on the screen depends on it."""

    class StepClicked(Message):
        """A person clicked a token; ``position`` is that of its step in the document."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._prose = DocumentProse()
        self._styles: dict[str, Style] = {}
        self._document: Document | None = None
        self._drawn_width = 0
        self._selected: int | None = None
        self._is_running = False
        self._follows = True
        self._last_turn: Turn | None = None
        self._is_tinted = True

    @property
    def is_tinted(self) -> bool:
        """Whether tokens are tinted by surprisal."""
        return self._is_tinted

    def set_tinted(self, is_tinted: bool) -> None:
        """Tint the tokens by surprisal, or draw them plain."""
        self._is_tinted = is_tinted
        self._redraw()

    @property
    def _prose_width(self) -> int:
        return min(LONGEST_LINE, self.scrollable_content_region.width)

    @property
    def line_count(self) -> int:
        """How many lines the document takes at this width."""
        return self._prose.line_count

    @property
    def text(self) -> str:
        """The document as it is drawn, without styles and line breaks of its own."""
        return "".join(piece.text for line in self._prose for piece in line)

    @property
    def plain_text(self) -> str:
        """The document's text, without what the app writes between the runs."""
        return plain_text(piece for line in self._prose for piece in line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is marked with the mouse."""
        return marked_text(self._prose, selection), ""

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is marked."""
        self.refresh()

    def show(self, document: Document) -> None:
        """Bring the lines up to date with ``document``, drawing only what has changed."""
        self._document = document
        if self._prose_width != self._drawn_width:
            self._prose.clear()
            self._drawn_width = self._prose_width
        if not self._drawn_width:
            return  # not laid out yet: the resize shows it
        before = self.line_count
        last_turn = document.turns[-1] if document.turns else None
        if last_turn is not self._last_turn:  # whoever begins something wants to see it
            self._last_turn, self._follows = last_turn, True
        selection_moved = self._selected != document.cursor
        self._selected = document.cursor
        self._is_running = document.is_running
        first = self._prose.sync(document, self._drawn_width)
        if selection_moved:
            self.refresh()
        elif document.turns:
            self._refresh_from(min(first if first is not None else before, before) - 1, before)
        self._grow(self.line_count - before)
        if selection_moved and self._selected is not None:
            self._show_step(self._selected)
        elif selection_moved:
            self.follow()
        else:
            self._stay_at_end()

    def follow(self) -> None:
        """Show the end of the document from now on, until a person scrolls away."""
        self._follows = True
        self._stay_at_end()

    def _stay_at_end(self) -> None:
        if self._follows and self._selected is None:
            # At once: by the next frame the end is elsewhere.
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end where a person has scrolled there, and not where they scrolled away."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def _grow(self, added: int) -> None:
        """Take a new height.

        While text comes, the height grows by several lines at once: a screen that scrolls costs
        many times one that doesn't, and is harder to read.
        """
        height = self.line_count
        if self._is_running:
            at_once = _LINES_AT_ONCE if added < _MANY_LINES else _MORE_LINES_AT_ONCE
            # Of empty lines below the newest, never so many that it would be out of sight.
            at_once = max(1, min(at_once, self.scrollable_content_region.height // 2))
            if not height <= self.virtual_size.height < height + at_once:
                height = -(-height // at_once) * at_once
            else:
                height = self.virtual_size.height
        self.virtual_size = Size(self.scrollable_content_region.width, height)

    def watch_virtual_size(self, size: Size) -> None:
        """Draw the bar for the new height, as a layout would."""
        self.vertical_scrollbar.window_virtual_size = size.height

    def _refresh_from(self, first: int, lines_before: int) -> None:
        first = max(first, self.scroll_offset.y, 0)
        last = max(self.line_count, lines_before)
        if first < last:
            self.refresh_lines(first, last - first)

    def _redraw(self) -> None:
        self._styles.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget everything drawn in the old colours."""
        super().notify_style_update()
        self._redraw()

    def on_resize(self) -> None:
        """Break all lines anew where they have another width."""
        if self._document is None:
            return
        if self._prose_width != self._drawn_width:
            self.show(self._document)
        elif self._drawn_width:
            self._grow(0)
            self._stay_at_end()

    def scroll_pages(self, pages: int) -> None:
        """Scroll by ``pages``, leaving two lines of the old page in sight."""
        self.scroll_relative(y=pages * max(1, self.size.height - 2), animate=False)

    def _show_step(self, step: int) -> None:
        y = self._prose.line_of(step)
        if y is None:
            return
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= y < top + height:
            self.scroll_to(y=max(0, y - height // 2), animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        """Look at the step whose token was clicked; where text was marked, no token is meant."""
        offset = event.get_content_offset(self)
        if offset is None or self.text_selection is not None:
            return
        step = self._step_at(offset.x, offset.y + self.scroll_offset.y)
        if step is not None:
            self.post_message(self.StepClicked(step))

    def _step_at(self, x: int, y: int) -> int | None:
        for piece in self._prose.line(y):
            x -= Segment(piece.text).cell_length
            if x < 0:
                return piece.step if piece.step >= 0 else None
        return None

    def render_line(self, y: int) -> Strip:
        """Draw the line at ``y`` of the visible part."""
        y += self.scroll_offset.y
        segments = [self._segment(piece) for piece in self._prose.line(y)]
        is_last = y == self.line_count - 1
        if is_last and self._is_running and self._selected is None:
            segments.append(Segment("▌", self._style(_CARET)))
        strip = Strip(segments).crop_extend(0, self.size.width, self._style(PLAIN)).simplify()
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        style = self.screen.get_component_rich_style("screen--selection")
        return marked_line(strip, span, style).apply_offsets(0, y)

    def _segment(self, piece: Piece) -> Segment:
        text, kind, step = piece
        is_selected = self._selected is not None and step == self._selected
        if text == "\n":
            text = NEWLINE if is_selected else ""
        return Segment(text, self._style(_SELECTED if is_selected else kind))

    def _style(self, kind: str) -> Style:
        style = self._styles.get(kind)
        if style is None:
            tint = kind.removeprefix(CHOSEN_BY_HAND)
            name = PLAIN if tint in TINTS and not self._is_tinted else tint
            style = self.get_component_rich_style(f"transcript--{name}")
            if tint != kind:
                style += Style(italic=True)  # beside colours, weights and lines, which are tints
            self._styles[kind] = style
        return style
