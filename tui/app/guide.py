"""The ways to the actions: the menu, the help, and the sentence for a key that does nothing.

Must never know what an action does: the table says how it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.app import App
from textual.screen import Screen

from core.playground.playground import Playground
from core.presets.key_name import key_name
from tui.actions.action import Action, always
from tui.actions.bindings import actions_of, page_of
from tui.actions.keys import Keys
from tui.actions.menus import DIGITS, help_entries, menu_actions
from tui.actions.refusals import WHY_NOT, why_nothing

MAIN_PAGE = "the main page"
_SHOWN = 4.0  # seconds


class Guide:
    """Menu, help, refusals, and doing what was chosen there.

    Args:
        app: Where pages stand, and what runs an action.
        playground: What says whether an action can be done.
        keys: Which keys do what.
        changed: Has the main page painted.
    """

    def __init__(
        self, app: App[None], playground: Playground, keys: Keys, changed: Callable[[], None]
    ) -> None:
        self._app = app
        self._playground = playground
        self.keys = keys
        self._changed = changed

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return self.menu, self.help

    def can_do(self, action: str) -> bool:
        """Whether the app's own ``action`` can be done now."""
        if action == "menu":
            return bool(actions_of(self._app.screen))  # in a box, the key belongs to its text
        return not WHY_NOT.get(action, always)(self._playground)

    def answer(self, key: str) -> None:
        """Say why ``key`` does nothing, where it does nothing; every box has its help."""
        if key in self._app.screen.active_bindings:
            return
        if key == self.keys.first("help"):
            self.help()
        else:
            self.say(why_nothing(key, actions_of(self._app.screen), self._playground, self.keys))

    def say(self, sentence: str) -> None:
        """Tell a person something: in the status line where there is one, else over the page."""
        if getattr(self._app.screen, "PAGE", "") == MAIN_PAGE:
            self._playground.notices.warn(sentence)
            self._changed()
        else:
            self._app.notify(sentence, severity="warning", timeout=_SHOWN, markup=False)

    async def perform(self, action: Action, page: Screen[Any]) -> None:
        """Do what was chosen in the menu or the palette of ``page``, or say why not."""
        sentence = action.why_not(self._playground)
        if not sentence and not await self._app.run_action(action.call, page):
            sentence = f"{action.name} is not possible now"
        if sentence:
            self.say(sentence)

    def menu(self) -> None:
        """Show all that can be done on this page, with one character for each."""
        from tui.help.menu import MenuItem, MenuScreen

        page, playground = self._app.screen, self._playground
        keys = self.keys
        items = [
            MenuItem(
                one.menu_key,
                one.name,
                " ".join(name for key in keys.of(one) if len(name := key_name(key)) > 1),
                one,
                not one.why_not(playground),
            )
            for one in menu_actions(actions_of(page), playground)
        ]
        presets = [
            MenuItem(DIGITS[at : at + 1], one.name, key_name(one.key), at)
            for at, one in enumerate(playground.next_run.book.presets)
        ]
        columns = [("what can be done", items)]
        if getattr(page, "PAGE", "") == MAIN_PAGE:
            columns.append(("presets", presets))
        self._app.push_screen(MenuScreen("menu", columns), partial(self._chosen, page))

    async def _chosen(self, page: Screen[Any], value: object) -> None:
        if isinstance(value, Action):
            await self.perform(value, page)
        elif isinstance(value, int):
            await self._app.run_action(f"pick_preset({value})")

    def help(self) -> None:
        """Explain the page: its keys, as they are bound, and what it shows."""
        from tui.help.screen import HelpScreen
        from tui.help.texts import ABOUT

        if isinstance(self._app.screen, HelpScreen):
            return
        name = page_of(self._app.screen)
        is_main = name == MAIN_PAGE
        sections = [("Keys", self._keys_here(is_main=is_main))]
        if is_main:
            book = self._playground.next_run.book
            presets = [
                (key_name(one.key), f"{one.name}: {one.description}") for one in book.presets
            ]
            sections.append(("Presets, for the next run", [*presets, ("from", str(book.path))]))
        sections += [(title, list(entries)) for title, entries in ABOUT.get(name, ())]
        self._app.push_screen(HelpScreen(name or "keys", sections))

    def _keys_here(self, *, is_main: bool) -> list[tuple[str, str]]:
        here = actions_of(self._app.screen)
        if here:
            return help_entries(here, self.keys, has_menu=is_main)
        active = self._app.screen.active_bindings.values()
        told: dict[str, list[str]] = {}
        for one in active:
            if one.enabled and one.binding.description:
                told.setdefault(one.binding.description, []).append(key_name(one.binding.key))
        return [(" ".join(names), meaning) for meaning, names in told.items()]
