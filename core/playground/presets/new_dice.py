"""New dice for the next run, in the place of those that it would go on with.

Must never throw them twice: the run after it goes on with what it had.
"""

from __future__ import annotations

import dataclasses

from core.playground.notices import Notices
from core.records.request import Request
from core.records.seeds import new_seed


class NewDice:
    """Whether the next run throws dice of its own, whatever it goes on from."""

    def __init__(self, notices: Notices) -> None:
        self.are_new = False
        """Whether the next run has a new seed."""
        self._notices = notices

    def toggle(self) -> None:
        """Have the next run throw new dice, or go on with those of its step after all."""
        self.are_new = not self.are_new
        new, old = "new dice for the next run", "the next run goes on with the dice of its step"
        self._notices.say(f"{new}; again takes that back" if self.are_new else old)

    def thrown(self, request: Request) -> Request:
        """Return ``request`` with the dice that it is to have; new ones are told, and used up."""
        if not self.are_new:
            return request
        self.are_new = False
        seed = new_seed()
        self._notices.say(f"new dice: the seed is {seed}")
        return dataclasses.replace(request, settings=request.settings.replace(seed=seed), drawn=0)
