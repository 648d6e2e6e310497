"""The app's commands for the command palette.

Must never put a preset's words through markup. Imported when the palette is first opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content, Span
from textual.fuzzy import Matcher
from textual.markup import escape
from textual.types import IgnoreReturnCallbackType

from tui.visible import visible_prose

if TYPE_CHECKING:
    from tui.app import PlaygroundApp

_OF_TEXTUAL = ("Theme", "Screenshot", "Quit")


class Entry(NamedTuple):
    """One command: what it is called, what it does, and how."""

    name: str
    help: str
    run: IgnoreReturnCallbackType


class PlaygroundCommands(Provider):
    """Presets, running, looking back, the look of things."""

    async def discover(self) -> Hits:
        """Offer every command."""
        for entry in self._entries():
            yield DiscoveryHit(Content(entry.name), entry.run, help=escape(entry.help))

    async def search(self, query: str) -> Hits:
        """Offer the commands that match ``query``."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(entry.name)
            if score > 0:
                shown = _highlighted(matcher, entry.name)
                yield Hit(score, shown, entry.run, text=entry.name, help=escape(entry.help))

    def _entries(self) -> Iterator[Entry]:
        app = cast("PlaygroundApp", self.app)
        for index, preset in enumerate(app.playground.book.presets):
            name = f"Preset: {visible_prose(preset.name)}"
            yield Entry(
                name, visible_prose(preset.description), partial(app.action_pick_preset, index)
            )
        playground = app.playground
        if playground.session.is_running or playground.queued_prompt is not None:
            yield Entry("Stop", "Stop the run; what was written stays", app.action_stop)
        if playground.session.turns:
            yield Entry("Clear the document", "Begin anew", app.action_clear)
            yield Entry("Copy the document", "Copy its text to the clipboard", app.action_copy_text)
        if playground.branches.can_restore:
            yield Entry("Bring the document back", "Undo the clearing", app.action_restore)
        if playground.model.load_error is not None:
            yield Entry("Load the model again", "Try once more", app.action_load_again)
        yield from _model_entries(app)
        if playground.session.step_count():
            yield Entry("Why this token", "Every candidate, the settings, the dice", app.action_why)
            yield Entry("Scrub", "Move settings over the run at once", app.action_scrub)
            yield Entry("Branches", "The tree of all runs: go, compare, prune", app.action_history)
            yield Entry(
                "Save the run", "To a file: Markdown, JSON Lines, CSV or text", app.action_save_run
            )
            yield Entry("Undo", "The document that was shown before", app.action_undo)
        yield Entry("Could this setting have written this?", "Score any text", app.action_score)
        yield Entry("Redo", "Take back an undo", app.action_redo)
        yield Entry("By hand", "Take each step yourself, or let it run", app.action_by_hand)
        if playground.session.step_count():
            yield Entry("First step", "Look at the first step", partial(app.action_step, -(10**9)))
            yield Entry("Newest step", "Follow what is written", partial(app.action_step, 10**9))
        yield Entry(
            "Tint", "Colour the tokens by surprisal, or draw them plain", app.action_toggle_tint
        )
        yield Entry("Light or dark", "Switch between paper and ink", app.action_toggle_light)
        yield Entry(
            "Tokens of the prompt",
            "Each token, its id and its bounds, as you type",
            app.main.action_toggle_tokens,
        )
        yield Entry(
            "Inspect the model",
            "Its tokenizer, configuration, modules and sizes",
            app.action_inspect,
        )
        yield Entry("Help", "The keys, and what the columns mean", app.action_help)
        for command in app.get_system_commands(self.screen):
            if command.title in _OF_TEXTUAL:
                yield Entry(command.title, command.help, command.callback)


def _model_entries(app: PlaygroundApp) -> Iterator[Entry]:
    playground = app.playground
    yield Entry("Models", "Pick another model, or fetch one", app.action_models)
    if playground.model.fetch_offer is not None:
        name = visible_prose(playground.model.fetch_offer)
        yield Entry(f"Fetch {name}", "In the background", app.action_fetch_offered)
    if playground.model.fetching.arrived is not None:
        name = visible_prose(playground.model.fetching.arrived)
        yield Entry(f"Switch to {name}", "It has been fetched", app.action_switch)
    if playground.model.fetching.name is not None:
        yield Entry("Stop the download", "What has come is kept", app.action_stop)


def _highlighted(matcher: Matcher, name: str) -> Content:
    """Return ``name`` with the matched characters set off; the matcher's own reads markup."""
    _, offsets = matcher.fuzzy_search.match(matcher.query, name)
    return Content(name, [Span(at, at + 1, matcher.match_style) for at in offsets])
