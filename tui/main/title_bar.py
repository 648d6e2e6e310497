"""The line at the top: the program, the model, and how full its context is.

Must never put a model's name through markup.
"""

from __future__ import annotations

from pathlib import PurePath

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal

from core.records.model_info import ModelInfo
from tui.common.lines_view import LinesView
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, short_count, shorten
from tui.common.visible import visible_prose
from tui.main.context_gauge import ContextGauge

_BRAND = "gpt2-playground"


class TitleBar(Horizontal):
    """Brand and model on the left, the context gauge on the right."""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield LinesView(id="model")
        yield ContextGauge(id="context")

    def show(self, info: ModelInfo | None, used: int) -> None:
        """Draw the model and how much of its context is used."""
        model, gauge = self.query_one("#model", LinesView), self.query_one(ContextGauge)
        model.update_rows([shorten(_about(info, model.size.width), model.size.width)])
        if info is None:
            gauge.update_rows([])
        else:
            gauge.show(used, info.context_size)


def _about(info: ModelInfo | None, width: int) -> Row:
    """Return brand, name and facts, the first of which is where the model has come from.

    Of a folder that does not fit, the last part of its path is shown.
    """
    row: Row = [(_BRAND, "bold " + CHOSEN)]
    if info is None:
        return row
    origin = f" · {info.origin}" if info.origin else ""
    parameters = short_count(info.parameters)
    facts = visible_prose(f"{origin} · {info.device} · {info.dtype} · {parameters}")
    name = "  " + visible_prose(info.name)
    if cell_len(_BRAND + name + facts) > width and len(PurePath(info.name).parts) > 1:
        name = "  …/" + visible_prose(PurePath(info.name).name)
    return [*row, (name, NUMBER), (facts, DIM)]
