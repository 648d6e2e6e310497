"""Which keys do what now: the table's, and in their place the user's own.

Must never read a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from core.presets.key_name import key_name, told_key
from tui.actions.action import Action
from tui.actions.everywhere import OF_THE_APP
from tui.actions.pages import PAGES


def all_actions() -> Iterable[Action]:
    """Yield every action of every page, those of the app first."""
    return chain(OF_THE_APP, *PAGES.values())


class Keys:
    """The keys of each action.

    Args:
        own: The user's keys by the ids of actions; each stands in the place of all that the table
            gives it, on every page.
    """

    def __init__(self, own: Mapping[str, Sequence[str]] | None = None) -> None:
        self._own = {name: tuple(keys) for name, keys in (own or {}).items()}

    @property
    def keymap(self) -> dict[str, str]:
        """The user's keys as textual takes them."""
        return {name: ",".join(keys) for name, keys in self._own.items()}

    @property
    def taken(self) -> frozenset[str]:
        """The user's keys, which no preset may be given."""
        return frozenset(chain.from_iterable(self._own.values()))

    def of(self, action: Action) -> tuple[str, ...]:
        """Return the keys of ``action``, as textual names them."""
        return self._own.get(action.id, action.keys) if action.call else action.keys

    def shown(self, action: Action) -> str:
        """Return the first key of ``action`` in a cell or two, or nothing where it has none."""
        if action.shown and action.id not in self._own:
            return action.shown
        keys = self.of(action)
        return key_name(keys[0]) if keys else ""

    def all_told(self, action: Action) -> str:
        """Return all keys of ``action`` as they stand in a sentence."""
        return ", ".join(told_key(key) for key in self.of(action))

    def first(self, action_id: str) -> str:
        """Return the first key of an action, as textual names it."""
        return next(self.of(one)[0] for one in all_actions() if one.id == action_id)

    def told(self, action_id: str) -> str:
        """Return the first key of an action as it stands in a sentence: ``ctrl+l``, ``F9``."""
        return told_key(self.first(action_id))

    def on(self, actions: Iterable[Action], key: str) -> list[Action]:
        """Return those of ``actions`` that ``key`` does."""
        return [one for one in actions if key in self.of(one)]


THE_TABLES = Keys()
"""The keys where nobody has changed any."""
