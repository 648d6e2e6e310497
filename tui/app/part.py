"""What the parts of the app share: the state that they act on, and how they have it painted.

Must never hold an action.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from core.playground.playground import Playground
    from tui.actions.keys import Keys


class AppPart(App[None]):
    """The base of the classes that the app's actions are spread over."""

    playground: Playground
    keys: Keys

    @abstractmethod
    def changed(self) -> None:
        """Paint after something a person did."""
