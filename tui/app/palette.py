"""The app's commands for the command palette: the table of actions, and the presets.

Must never put a preset's words through markup. Imported when the palette is first opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content, Span
from textual.types import IgnoreReturnCallbackType

from core.playground.playground import Playground
from core.presets.book import Preset
from core.presets.key_name import key_name
from tui.actions.action import Action
from tui.actions.bindings import actions_of
from tui.actions.everywhere import MENU, QUIT
from tui.actions.main_page import MAIN
from tui.app.guide import Guide
from tui.common.visible import visible_prose

_OF_TEXTUAL = {
    "Theme": "theme colour color dark light appearance look",
    "Screenshot": "picture image svg save photo capture print",
}
_OTHER_WORDS = 0.1
"""The score of a command that is found by other words than its name's, below any name's."""


class Entry(NamedTuple):
    """One command: what it is called, its keys, what it does, other words for it, and how."""

    name: str
    keys: str
    help: str
    words: str
    run: IgnoreReturnCallbackType


class Guided(Protocol):
    """What the palette asks of the app that it opens over."""

    playground: Playground
    guide: Guide


class PlaygroundCommands(Provider):
    """What can be done on the page, what can be done in the app, and the presets."""

    async def discover(self) -> Hits:
        """Offer every command."""
        for entry in self._entries():
            yield DiscoveryHit(_shown(entry, []), entry.run, entry.name, help=_plain(entry.help))

    async def search(self, query: str) -> Hits:
        """Offer the commands that match ``query`` by their names or by other words for them."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score, offsets = matcher.fuzzy_search.match(matcher.query, entry.name)
            if score <= 0 and _has_words(entry, query):
                score, offsets = _OTHER_WORDS, []
            if score > 0:
                shown = _shown(entry, [Span(at, at + 1, matcher.match_style) for at in offsets])
                yield Hit(score, shown, entry.run, entry.name, _plain(entry.help))

    def _entries(self) -> Iterator[Entry]:
        guided = cast("Guided", self.app)
        for index, preset in enumerate(guided.playground.next_run.book.presets):
            yield _preset(preset, partial(self.app.run_action, f"app.pick_preset({index})"))
        here = actions_of(self.screen)
        told: set[str] = set()
        for action in (*here, *MAIN, QUIT):
            if action.words and action.call and action.name not in told:
                told.add(action.name)
                yield _entry(guided, action, self)
        for command in self.app.get_system_commands(self.screen):
            if command.title in _OF_TEXTUAL:
                words = _OF_TEXTUAL[command.title]
                yield Entry(command.title, "", command.help, words, command.callback)


def _entry(guided: Guided, action: Action, provider: Provider) -> Entry:
    playground, known = guided.playground, guided.guide.keys
    reason = action.why_not(playground)
    chord = f"{key_name(known.first(MENU.id))} {action.letter}" if action.letter else ""
    keys = [name for name in (known.shown(action), chord) if name]
    return Entry(
        action.name[:1].upper() + action.name[1:],
        " · ".join(keys),
        f"not now: {reason}" if reason else action.help[:1].upper() + action.help[1:],
        action.words,
        partial(guided.guide.perform, action, provider.screen),
    )


def _preset(preset: Preset, run: IgnoreReturnCallbackType) -> Entry:
    settings = " ".join(preset.settings.to_mapping())
    return Entry(
        f"Preset: {visible_prose(preset.name)}",
        key_name(preset.key),
        visible_prose(preset.description),
        f"{settings} decoding strategy {visible_prose(preset.description)}",
        run,
    )


def _has_words(entry: Entry, query: str) -> bool:
    """Whether each word of ``query`` begins a word of the entry."""
    words = f"{entry.name} {entry.words} {entry.help}".casefold().replace("-", " ").split()
    wanted = query.casefold().replace("-", " ").split()
    return bool(wanted) and all(any(one.startswith(part) for one in words) for part in wanted)


def _plain(text: str) -> str:
    """Return ``text`` where textual reads markup: what is ``Content`` already, it leaves alone.

    Its ``escape`` knows fewer tags than its reader: ``[?25l`` would end the app.
    """
    return cast("str", Content(text))


def _shown(entry: Entry, spans: list[Span]) -> Content:
    """Return the name with what matched set off, and the keys beside it."""
    keys = f"  {entry.keys}" if entry.keys else ""
    end = len(entry.name)
    return Content(entry.name + keys, [*spans, Span(end, end + len(keys), "dim")])
