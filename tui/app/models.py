"""The app's actions on models: pick one, fetch one in the background, switch.

Must never load or fetch anything itself: the playground does.
"""

from __future__ import annotations

from functools import partial

from core.models.listing import BYTES_TO_FETCH, available_models, format_bytes, is_to_fetch
from tui.app.part import AppPart
from tui.common.dialog import DialogScreen


class ModelActions(AppPart):
    """What can be done about models; a part of the app."""

    def action_models(self) -> None:
        """Pick another model."""
        from tui.models.picker import ModelsScreen

        model = self.playground.model
        current = model.info.name if model.info is not None else ""
        find = partial(available_models, tuple(model.used))
        self.push_screen(ModelsScreen(current, find), self._model_picked)

    def _model_picked(self, name: str | None) -> None:
        if name is None:
            return
        if is_to_fetch(name):
            self._ask_to_fetch(name)
        else:
            self.playground.use_model(name)
        self.changed()

    def action_fetch_offered(self) -> None:
        """Fetch the model that was asked for and is not here, after a question."""
        name = self.playground.model.fetch_offer
        if name is not None:
            self._ask_to_fetch(name)

    def _ask_to_fetch(self, name: str) -> None:
        size = BYTES_TO_FETCH.get(name)
        what = f"{name} ({format_bytes(size)})" if size is not None else name
        self.push_screen(
            DialogScreen(
                f"fetch {name}?",
                f"{what} is not on this machine. It comes from the hub into the Hugging Face"
                " cache, in the background: the model at hand stays usable, Esc cancels, and what"
                " has come is kept for another time.",
                accept="fetches it",
            ),
            lambda is_accepted: self._fetch(name) if is_accepted else None,
        )

    def _fetch(self, name: str) -> None:
        self.playground.fetch(name)
        self.changed()

    def action_inspect(self) -> None:
        """Look into the model that runs."""
        from tui.models.inspector import InspectorScreen

        if not any(isinstance(screen, InspectorScreen) for screen in self.screen_stack):
            self.push_screen(InspectorScreen(self.playground))

    def action_load_again(self) -> None:
        """Try to load the model once more."""
        self.playground.model.load_again()
        self.changed()

    def action_switch(self) -> None:
        """Switch to the model that has been fetched."""
        if self.playground.model.fetching.arrived is not None:
            self.playground.use_model(self.playground.model.fetching.arrived)
            self.changed()
