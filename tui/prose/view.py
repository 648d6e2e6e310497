"""A finished text as soft-wrapped prose that scrolls, drawn in the transcript's colours.

Must never put text through markup, and draws only the lines in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.common.visible import NEWLINE
from tui.prose.lines import Line, Piece, Prose
from tui.prose.transcript import LONGEST_LINE
from tui.prose.turn import FAILURE, MARK, PLAIN, PROMPT, SPECIAL, TINTS

_SELECTED = "selected"
SAME, PARTING = "same", "parting"
"""Beside another text: what both say, and the mark where this one parts from it."""


class ProseView(ScrollView, can_focus=True):
    """Shows pieces; those of one step may be set off."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"transcript--{kind}"
        for kind in (*TINTS, PLAIN, MARK, PROMPT, SPECIAL, FAILURE, SAME, PARTING, _SELECTED)
    }

    class Clicked(Message):
        """A person clicked a piece that has the step ``step``."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._pieces: tuple[Piece, ...] = ()
        self._lines: list[Line] = []
        self._styles: dict[str, Style] = {}
        self._drawn_width = 0
        self._step = -1

    @property
    def plain(self) -> str:
        """The text as it is drawn, without line breaks of the view's own."""
        return "".join(piece.text for line in self._lines for piece in line)

    @property
    def marked_text(self) -> str:
        """What is set off."""
        return "".join(
            piece.text for line in self._lines for piece in line if piece.step == self._step >= 0
        )

    def show(self, pieces: Sequence[Piece], step: int = -1, *, follows: bool | None = None) -> None:
        """Show ``pieces`` from the first on, with those of ``step`` set off and in sight.

        Where it ``follows``, they are shown to the last one, and where it is ``False`` as far
        scrolled as before.
        """
        self._pieces = tuple(pieces)
        self._step = step
        self._wrap()
        if follows is not False:
            y = self.max_scroll_y if follows else 0
            self.scroll_to(0, y, animate=False, immediate=True, force=True)
        self._bring_in_sight()

    def mark(self, step: int) -> None:
        """Set off the pieces of ``step`` (-1 for none), and bring them in sight."""
        if step != self._step:
            self._step = step
            self.refresh()
        self._bring_in_sight()

    def on_resize(self) -> None:
        """Break the lines anew where they have another width."""
        if self._drawn_width != self._prose_width:
            self._wrap()
            self._bring_in_sight()

    def notify_style_update(self) -> None:
        """Forget the old theme's colours."""
        super().notify_style_update()
        self._styles.clear()

    def on_click(self, event: events.Click) -> None:
        """Tell which step was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x = offset.x
        for piece in self._line(offset.y + self.scroll_offset.y):
            x -= Segment(piece.text).cell_length
            if x < 0:
                if piece.step >= 0:
                    self.post_message(self.Clicked(piece.step))
                return

    def render_line(self, y: int) -> Strip:
        """Draw the line at ``y`` of the visible part."""
        segments = [self._segment(piece) for piece in self._line(y + self.scroll_offset.y)]
        return Strip(segments).crop_extend(0, self.size.width, self._style(PLAIN)).simplify()

    @property
    def _prose_width(self) -> int:
        return min(LONGEST_LINE, self.scrollable_content_region.width)

    def _wrap(self) -> None:
        self._drawn_width = self._prose_width
        prose = Prose(self._drawn_width)
        prose.append(self._pieces)
        self._lines = prose.lines
        self.virtual_size = Size(self._drawn_width, len(self._lines))
        self.refresh()

    def _line(self, y: int) -> Line:
        return self._lines[y] if 0 <= y < len(self._lines) else []

    def _bring_in_sight(self) -> None:
        found = (
            y for y, line in enumerate(self._lines) if any(one.step == self._step for one in line)
        )
        y = next(found, None) if self._step >= 0 else None
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if y is not None and not top <= y < top + height:
            self.scroll_to(0, max(0, y - height // 2), animate=False, force=True)

    def _segment(self, piece: Piece) -> Segment:
        is_marked = piece.step == self._step >= 0
        text = piece.text
        if text == "\n":
            text = NEWLINE if is_marked else ""
        return Segment(text, self._style(_SELECTED if is_marked else piece.kind))

    def _style(self, kind: str) -> Style:
        style = self._styles.get(kind)
        if style is None:
            style = self._styles[kind] = self.get_component_rich_style(f"transcript--{kind}")
        return style
