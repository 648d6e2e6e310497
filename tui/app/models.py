"""The actions on models: pick one, fetch one in the background, switch, look into it.

Must never load or fetch anything itself: the playground does. Pages are imported when opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import App

from core.models.listing import BYTES_TO_FETCH, available_models, format_bytes, is_to_fetch
from core.playground.playground import Playground
from tui.common.dialog import DialogScreen


class ModelActions:
    """What can be done about models."""

    def __init__(self, app: App[None], playground: Playground, changed: Callable[[], None]) -> None:
        self._app = app
        self._playground = playground
        self._changed = changed

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return (
            self.models,
            self.fetch_offered,
            self.switch,
            self.inspect,
            self.load_again,
        )

    def models(self) -> None:
        """Pick another model."""
        from tui.models.picker import ModelsScreen

        model = self._playground.model
        current = model.info.name if model.info is not None else ""
        find = partial(available_models, tuple(model.used))
        self._app.push_screen(ModelsScreen(current, find), self._picked)

    def _picked(self, name: str | None) -> None:
        if name is None:
            return
        if is_to_fetch(name):
            self._ask_to_fetch(name)
        else:
            self._playground.model.use(name)
        self._changed()

    def fetch_offered(self) -> None:
        """Fetch the model that was asked for and is not here, after a question."""
        name = self._playground.model.fetch_offer
        if name is not None:
            self._ask_to_fetch(name)

    def _ask_to_fetch(self, name: str) -> None:
        size = BYTES_TO_FETCH.get(name)
        what = f"{name} ({format_bytes(size)})" if size is not None else name
        self._app.push_screen(
            DialogScreen(
                f"fetch {name}?",
                f"{what} is not on this machine. It comes from the hub into the Hugging Face"
                " cache, in the background: the model at hand stays usable,"
                f" {self._playground.told('stop')} cancels, and what"
                " has come is kept for another time.",
                accept="fetches it",
            ),
            lambda is_accepted: self._fetch(name) if is_accepted else None,
        )

    def _fetch(self, name: str) -> None:
        self._playground.model.fetch(name)
        self._changed()

    def inspect(self) -> None:
        """Look into the model that runs."""
        from tui.models.inspector import InspectorScreen

        if not any(isinstance(one, InspectorScreen) for one in self._app.screen_stack):
            self._app.push_screen(InspectorScreen(self._playground))

    def load_again(self) -> None:
        """Try to load the model once more."""
        self._playground.model.load_again()
        self._changed()

    def switch(self) -> None:
        """Switch to the model that has been fetched."""
        if self._playground.model.fetching.arrived is not None:
            self._playground.model.use(self._playground.model.fetching.arrived)
            self._changed()
