"""The presets with their keys, the current one marked, and what it is for.

Must never put a preset's words through markup.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.presets.book import CHANGED, Preset, PresetBook
from core.presets.key_name import key_name
from tui.common.step_rows import CHOSEN, NUMBER, Part, lines
from tui.common.visible import fit, fit_tail, visible_prose

_TITLE = "presets"
_MARK = " ◂"
_GAP = "  "
_LONGEST_PATH = 36
_LEAST_ROWS = 3
"""As many rows of presets are seen, however long it takes to say what the current one is for."""


class Place(NamedTuple):
    """Where a preset stands: in which row, from which cell to which."""

    preset: Preset
    row: int
    start: int
    end: int


class PresetList(Static):
    """One preset a line where there is room, else several a line, and those about the current one.

    What is out of sight is counted in the title; the mouse wheel brings it in sight.
    """

    class Picked(Message):
        """A person clicked a preset."""

        def __init__(self, preset: Preset) -> None:
            super().__init__()
            self.preset = preset

    def __init__(self, book: PresetBook, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._book = book
        self._current = book.presets[0]
        self._changed: frozenset[str] = frozenset()
        self._places: list[Place] = []
        self._top: int | None = None  # the first row in sight; None: whichever shows the current

    def on_mount(self) -> None:
        """Name the list, and the file that it comes from."""
        self.border_title = _TITLE
        self._name_file()

    def on_resize(self) -> None:
        """Lay the presets out for the new size."""
        self._top = None
        self._draw()

    def show(self, book: PresetBook, current: Preset, is_changed: Callable[[Preset], bool]) -> None:
        """List the presets of ``book``, mark ``current``, and those that a person has changed."""
        changed = frozenset(one.name for one in book.presets if is_changed(one))
        if (book, current, changed) != (self._book, self._current, self._changed):
            self._book, self._current, self._changed, self._top = book, current, changed, None
            self._name_file()
            self._draw()

    def _name_file(self) -> None:
        path = visible_prose(str(self._book.path))
        self.border_subtitle = Content(fit_tail(path, _LONGEST_PATH))

    def on_click(self, event: events.Click) -> None:
        """Pick the preset that was clicked."""
        offset = event.get_content_offset(self)
        for one in self._places if offset is not None else ():
            if offset is not None and offset.y == one.row and one.start <= offset.x < one.end:
                self.post_message(self.Picked(one.preset))

    def on_mouse_scroll_down(self) -> None:
        """Look at the presets further down."""
        self._scroll(1)

    def on_mouse_scroll_up(self) -> None:
        """Look at those further up."""
        self._scroll(-1)

    def _scroll(self, rows: int) -> None:
        self._top = (self._top or 0) + rows
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        about = textwrap.wrap(visible_prose(self._current.description), width)
        room = max(1, height - min(len(about), max(0, height - _LEAST_ROWS)))
        is_long = len(self._book.presets) > room
        rows, places = self._flow(width) if is_long else self._lines(width)
        rows, self._places = self._in_sight(rows, places, room)
        hidden = len(self._book.presets) - len(self._places)
        self.border_title = _TITLE + (f" · {self._hidden(places)}" if hidden else "")
        rows += _details(about, width, height - len(rows))
        self.update(lines(rows), layout=False)

    def _in_sight(
        self, rows: list[list[Part]], places: list[Place], room: int
    ) -> tuple[list[list[Part]], list[Place]]:
        """Return as many rows as there is room for, with the current preset's unless scrolled."""
        at = next((one.row for one in places if one.preset is self._current), 0)
        last = max(0, len(rows) - room)
        top = min(last, max(0, at - room // 2 if self._top is None else self._top))
        self._top = top
        seen = [one._replace(row=one.row - top) for one in places if top <= one.row < top + room]
        return rows[top : top + room], seen

    def _hidden(self, places: list[Place]) -> str:
        """Return how many presets are out of sight above and below."""
        first, last = self._places[0].preset, self._places[-1].preset
        names = [one.preset for one in places]
        above, below = names.index(first), len(names) - 1 - names.index(last)
        return " · ".join(
            f"{count} more {where}"
            for count, where in ((above, "above"), (below, "below"))
            if count
        )

    def _lines(self, width: int) -> tuple[list[list[Part]], list[Place]]:
        presets = self._book.presets
        places = [Place(preset, at, 0, width) for at, preset in enumerate(presets)]
        return [self._row(preset, width) for preset in presets], places

    def _row(self, preset: Preset, width: int) -> list[Part]:
        key_width = max(len(key_name(one.key)) for one in self._book.presets) + 1
        is_current = preset is self._current
        name = self._named(preset)
        return [
            (f"{key_name(preset.key):<{key_width}} ", CHOSEN),
            (fit(name, width - key_width - 1), "bold" if is_current else NUMBER),
        ]

    def _named(self, preset: Preset) -> str:
        changed = CHANGED if preset.name in self._changed else ""
        return visible_prose(preset.name) + changed + (_MARK if preset is self._current else "")

    def _flow(self, width: int) -> tuple[list[list[Part]], list[Place]]:
        rows: list[list[Part]] = [[]]
        places: list[Place] = []
        used = 0
        for preset in self._book.presets:
            is_current = preset is self._current
            key = key_name(preset.key)
            name = self._named(preset)
            parts: list[Part] = [(key + " " if key else "", CHOSEN)]
            parts.append((name, "bold" if is_current else NUMBER))
            wanted = sum(cell_len(text) for text, _ in parts)
            if rows[-1] and used + len(_GAP) + wanted > width:
                rows.append([])
                used = 0
            if rows[-1]:
                rows[-1].append((_GAP, ""))
                used += len(_GAP)
            places.append(Place(preset, len(rows) - 1, used, used + wanted))
            rows[-1] += parts
            used += wanted
        return rows, places


def _details(about: list[str], width: int, room: int) -> list[list[Part]]:
    """Return what a preset is for, as far as there is room."""
    told = about[:room]
    if 0 < len(told) < len(about):
        told[-1] = fit(told[-1] + " …", width)
    rows: list[list[Part]] = [[(text, "italic")] for text in told]
    return [[], *rows] if room > len(rows) else rows
