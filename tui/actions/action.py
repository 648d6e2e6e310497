"""One thing that a person can do: its name, its keys, when it can be done.

Must never import textual: the command line lists actions too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.presets.key_name import CHARACTERS

if TYPE_CHECKING:
    from core.playground.playground import Playground

WhyNot = Callable[["Playground"], str]
"""Says in a sentence why an action cannot be done now, or nothing where it can."""


def always(_playground: Playground) -> str:
    """Say nothing: what can be done at any time, or what a page itself decides about."""
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """What the key bar, the palette, the help, the README and the user's keys file know of it.

    Args:
        id: Its name in the keys file, and of textual's binding. Actions that share a key, of which
            one can be done at a time, share it.
        call: What textual runs, as ``Binding`` takes it; empty for keys that a widget handles.
        keys: Textual's names of its keys, the first one shown.
        name: Some words for the key bar.
        help: One sentence for help and palette.
        words: Other words that people look for it by.
        letter: Its key in the menu, where that is another than the letter among ``keys``.
        why_not: When it can be done.
        is_shown: Whether the key bar shows it.
        has_priority: Whether it comes before what the focused widget does with the key.
        shown: How its keys are written, where that is not to be read from them.
    """

    id: str
    call: str
    keys: tuple[str, ...]
    name: str
    help: str
    words: str = ""
    letter: str = ""
    why_not: WhyNot = always
    is_shown: bool = False
    has_priority: bool = False
    shown: str = ""

    @property
    def menu_key(self) -> str:
        """The one character that does it in the menu, or nothing."""
        plain = (CHARACTERS.get(key, key) for key in self.keys)
        return self.letter or next((key for key in plain if len(key) == 1), "")
