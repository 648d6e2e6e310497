"""The table as textual's bindings.

Must never know what an action does.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType
from textual.screen import Screen

from core.presets.key_name import key_name
from tui.actions.action import Action
from tui.actions.pages import PAGES


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """Return a binding for every action that has something to run.

    One without a key of its own has a name in its place that no key has, so that the user's keymap
    can give it one.
    """
    return [
        Binding(
            ",".join(one.keys) or f"no_key_for_{one.id}",
            one.call,
            one.name,
            show=one.is_shown,
            key_display=one.shown or (key_name(one.keys[0]) if one.keys else None),
            priority=one.has_priority or not one.keys,
            id=one.id,
        )
        for one in actions
        if one.call
    ]


def actions_of(screen: Screen[object]) -> tuple[Action, ...]:
    """Return what can be done on a page; nothing for boxes, which say it themselves.

    A part of a page that has the focus may have keys of its own.
    """
    return PAGES.get(page_of(screen), ())


def page_of(screen: Screen[object]) -> str:
    """Return what the page, or the part of it that has the focus, is called; empty for boxes."""
    return getattr(screen.focused, "PAGE", "") or getattr(screen, "PAGE", "")
