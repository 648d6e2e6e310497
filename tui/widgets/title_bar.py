"""The line at the top: the program, the model, and how full its context is.

Must never put a model's name through markup.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from core.backends.base import ModelInfo
from tui.render import CHOSEN, DIM, NUMBER, line, short_count
from tui.visible import visible_prose
from tui.widgets.context_gauge import ContextGauge


class TitleBar(Horizontal):
    """Brand and model on the left, the context gauge on the right."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._shown: ModelInfo | None = None

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield Static(line([("gpt2-playground", "bold " + CHOSEN)]), id="model")
        yield ContextGauge(id="context")

    def show(self, info: ModelInfo | None, used: int) -> None:
        """Draw the model and how much of its context is used."""
        gauge = self.query_one(ContextGauge)
        if info is None:
            gauge.update_rows([])
            return
        gauge.show(used, info.context_size)
        if info is self._shown:
            return
        self._shown = info
        facts = f" · {info.device} · {info.dtype} · {short_count(info.parameters)}"
        self.query_one("#model", Static).update(
            line(
                [
                    ("gpt2-playground", "bold " + CHOSEN),
                    ("  " + visible_prose(info.name), NUMBER),
                    (visible_prose(facts), DIM),
                ]
            ),
            layout=False,
        )
