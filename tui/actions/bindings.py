"""The table as textual's bindings.

Must never know what an action does.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.actions.action import Action
from tui.actions.pages import PAGES
from tui.key_name import key_name


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """Return a binding for every action that has a key, and something to run."""
    return [
        Binding(
            ",".join(one.keys),
            one.call,
            one.name,
            show=one.is_shown,
            key_display=one.shown or key_name(one.keys[0]),
            priority=one.has_priority,
            id=one.id,
        )
        for one in actions
        if one.call and one.keys
    ]


def actions_of(screen: Screen[object]) -> tuple[Action, ...]:
    """Return what can be done on a page; nothing for boxes, which say it themselves."""
    return PAGES.get(getattr(screen, "PAGE", ""), ())
