"""The menu and the help of a page, made of the table.

Must never import a screen: it gives what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.presets.key_name import key_name
from tui.actions.action import Action
from tui.actions.everywhere import OF_THE_APP

if TYPE_CHECKING:
    from core.playground.playground import Playground
    from tui.actions.keys import Keys

DIGITS = "123456789"
"""What picks the first presets in the menu; the others are picked with the arrows."""


def menu_actions(here: Sequence[Action], playground: Playground) -> list[Action]:
    """Return what the menu offers: of actions that share a character, the one that can be done."""
    offered: dict[str, Action] = {}
    for one in (*here, *OF_THE_APP[1:]):
        if not one.call or not one.menu_key:
            continue
        before = offered.get(one.menu_key)
        if before is None or (before.why_not(playground) and not one.why_not(playground)):
            offered[one.menu_key] = one
    return list(offered.values())


def help_entries(here: Sequence[Action], keys: Keys, *, has_menu: bool) -> list[tuple[str, str]]:
    """Return each action's keys and what they do; those of one id in one line, the first's."""
    by_id: dict[str, list[Action]] = {}
    for one in here:
        by_id.setdefault(one.id or one.help, []).append(one)
    menu = key_name(keys.first("menu"))
    entries = []
    for same in by_id.values():
        names = " ".join(dict.fromkeys(key_name(key) for one in same for key in keys.of(one)))
        chord = f"{menu} {same[0].letter}" if same[0].letter and has_menu else ""
        entries.append((" · ".join(filter(None, (names, chord))), same[0].help))
    return entries
