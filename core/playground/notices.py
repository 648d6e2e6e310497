"""What is told to the person who just did something, and how an action is called in it.

Must never know a key: the front end says how one gets to an action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ActionTold = Callable[[str], str]
"""How a front end calls an action in a sentence, by its id: the key, where it has one."""


def told_by_name(action_id: str) -> str:
    """Return an action as a sentence calls it where there are no keys: by its own name."""
    return f"“{action_id.replace('_', ' ')}”"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person who just did something, shown until the next thing happens."""

    text: str
    is_warning: bool = False


class Notices:
    """The one notice that is shown now, or none; ``told`` names actions in it."""

    def __init__(self, told: ActionTold = told_by_name) -> None:
        self.told = told
        self.current: Notice | None = None
        self._owed: list[str] = []

    def say(self, text: str) -> None:
        """Tell what has been done."""
        self.current = Notice(text)

    def warn(self, text: str) -> None:
        """Tell why something was not done, or what a person may not have wanted."""
        self.current = Notice(text, is_warning=True)

    def warn_unless_told(self, text: str) -> None:
        """Warn, unless there is a notice that says why already."""
        self.current = self.current or Notice(text, is_warning=True)

    def owe(self, text: str) -> None:
        """Warn of what nobody asked for, when ``settle`` is called: nothing may hide it before."""
        self._owed.append(text)

    @property
    def has_more(self) -> bool:
        """Whether something is still owed."""
        return bool(self._owed)

    def settle(self) -> None:
        """Tell all that is owed, behind what is told already, which was not seen yet."""
        if self._owed:
            told = [self.current.text] if self.current is not None else []
            self.current = Notice("; ".join((*told, *self._owed)), is_warning=True)
            self._owed.clear()

    def clear(self) -> None:
        """Tell nothing any more: something else has happened."""
        self.current = None
