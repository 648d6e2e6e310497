"""The presets with their keys, the current one marked, and what it does.

Must never put a preset's words through markup.
"""

from __future__ import annotations

import textwrap

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.preset_book import Preset, PresetBook
from tui.key_name import key_name
from tui.render import CHOSEN, DIM, NUMBER, Part, lines, settings_summary
from tui.visible import fit, fit_tail, visible_prose

_MARK = " ◂"
_GAP = "  "
_LONGEST_PATH = 36


class PresetList(Static):
    """One preset a line where there is room, else several a line."""

    class Picked(Message):
        """A person clicked a preset."""

        def __init__(self, preset: Preset) -> None:
            super().__init__()
            self.preset = preset

    def __init__(self, book: PresetBook, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._book = book
        self._current = book.presets[0]
        self._clickable: dict[int, Preset] = {}

    def on_mount(self) -> None:
        """Name the list, and the file that it comes from."""
        self.border_title = "presets"
        self._name_file()

    def on_resize(self) -> None:
        """Lay the presets out for the new size."""
        self._draw()

    def show(self, book: PresetBook, current: Preset) -> None:
        """List the presets of ``book``, and mark ``current``."""
        if book is not self._book or current is not self._current:
            self._book, self._current = book, current
            self._name_file()
            self._draw()

    def _name_file(self) -> None:
        path = visible_prose(str(self._book.path))
        self.border_subtitle = Content(fit_tail(path, _LONGEST_PATH))

    def on_click(self, event: events.Click) -> None:
        """Pick the preset whose line was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y in self._clickable:
            self.post_message(self.Picked(self._clickable[offset.y]))

    def _draw(self) -> None:
        width, height = self.size
        if not width:
            return
        self._clickable = {}
        if height >= len(self._book.presets):
            self._clickable = dict(enumerate(self._book.presets))
            rows = [self._row(preset, width) for preset in self._book.presets]
        else:
            rows = self._flow(width)
        if height > len(rows):
            rows.extend(self._details(width, height - len(rows)))
        self.update(lines(rows), layout=False)

    def _row(self, preset: Preset, width: int) -> list[Part]:
        key_width = max(len(key_name(one.key)) for one in self._book.presets) + 1
        is_current = preset is self._current
        name = visible_prose(preset.name) + (_MARK if is_current else "")
        return [
            (f"{key_name(preset.key):<{key_width}} ", CHOSEN),
            (fit(name, width - key_width - 1), "bold" if is_current else NUMBER),
        ]

    def _flow(self, width: int) -> list[list[Part]]:
        rows: list[list[Part]] = [[]]
        used = 0
        for preset in self._book.presets:
            is_current = preset is self._current
            key, name = key_name(preset.key), visible_prose(preset.name)
            name += _MARK if is_current else ""
            wanted = len(key) + 1 + len(name)
            if rows[-1] and used + len(_GAP) + wanted > width:
                rows.append([])
                used = 0
            if rows[-1]:
                rows[-1].append((_GAP, ""))
                used += len(_GAP)
            rows[-1].append((key + " ", CHOSEN))
            rows[-1].append((name, "bold" if is_current else NUMBER))
            used += wanted
        return rows

    def _details(self, width: int, room: int) -> list[list[Part]]:
        """Return what the current preset does, as far as ``room`` lines allow."""
        preset = self._current
        about = textwrap.wrap(visible_prose(preset.description), width)
        values = settings_summary(list(preset.settings.to_mapping().items()))
        summary = textwrap.wrap(values or "the defaults of transformers", width)
        rows: list[list[Part]] = [[(text, "italic")] for text in about]
        rows += [[(text, DIM)] for text in summary]
        if room > len(rows):
            return [[], *rows]
        if room < len(about):
            rows[room - 1 : room] = [[(fit(about[room - 1] + " …", width), "italic")]]
        return rows[:room]
