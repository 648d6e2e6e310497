"""The actions on how the app looks: the theme, the tint of tokens, and that both are remembered.

Must never draw anything, nor wait for a disk while the app goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import App

from core.backends.background_call import BackgroundCall
from core.records.errors import PlaygroundError
from tui.common.awaited import Awaited
from tui.look.appearance import Appearance, AppearanceFile
from tui.look.themes import INK, PAPER
from tui.main.screen import MainScreen

_LOOKS_PER_SECOND = 20

_REMEMBERED_WITHIN = 0.5
"""So many seconds a disk has, when the app ends, for what was chosen last."""


class AppearanceActions:
    """Changes the theme and the tint, and keeps them in the file, if there is one."""

    def __init__(
        self,
        app: App[None],
        main: MainScreen,
        file: AppearanceFile | None,
        changed: Callable[[], None],
    ) -> None:
        self._app = app
        self._main = main
        self._file = file
        self._changed = changed
        self._calls: Awaited[None] = Awaited("the theme could not be remembered", self._take_over)
        app.register_theme(INK)
        app.register_theme(PAPER)
        self._kept = file.read() if file is not None else Appearance()
        app.theme = self._kept.theme if app.get_theme(self._kept.theme) else INK.name

    def actions(self) -> tuple[Callable[[], None], ...]:
        """Return what keys call, by these names."""
        return (
            self.toggle_tint,
            self.toggle_light,
        )

    def start(self) -> None:
        """Tint as was kept, and keep what is chosen from now on."""
        self._calls.start(self._app, _LOOKS_PER_SECOND)
        self._main.transcript.set_tinted(self._kept.is_tinted)
        self._app.theme_changed_signal.subscribe(self._app, lambda _theme: self._keep())

    def toggle_tint(self) -> None:
        """Tint the tokens by surprisal, or draw them plain."""
        self._main.transcript.set_tinted(not self._main.transcript.is_tinted)
        self._keep()
        self._changed()

    def toggle_light(self) -> None:
        """Switch between the light and the dark theme."""
        self._app.theme = INK.name if self._app.theme == PAPER.name else PAPER.name

    def close(self) -> None:
        """Have what was chosen last remembered, as far as the disk is quick about it."""
        for _ in self._calls.ended(_REMEMBERED_WITHIN):
            pass

    def _keep(self) -> None:
        if self._file is None:
            return
        appearance = Appearance(self._app.theme, self._main.transcript.is_tinted)
        self._calls.ask(partial(self._file.keep, appearance))

    def _take_over(self, call: BackgroundCall[None]) -> None:
        """Say why something was not remembered."""
        try:
            call.result()
        except PlaygroundError as error:
            self._app.notify(str(error), severity="warning", markup=False)
