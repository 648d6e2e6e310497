"""The two themes of the app, ink and paper, and what every theme needs to be read in a terminal.

Must never look at a screen or a widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App
from textual.theme import Theme

from tui.look.colours import Colours, colour_variables

_COLOURS: dict[str, Colours] = {"256": "256", "standard": "standard"}

INK = Theme(
    name="ink",
    primary="#7aa2c8",
    secondary="#8a93a8",
    accent="#f0b35a",
    warning="#e8a04c",
    error="#e0656b",
    success="#8fbf7f",
    foreground="#dcdfe6",
    background="#14171d",
    surface="#1a1e26",
    panel="#242a35",
    dark=True,
    variables={
        "border": "#3a4353",
        "border-blurred": "#3a4353",
        "footer-background": "#1a1e26",
        "footer-key-foreground": "#f0b35a",
        "footer-description-foreground": "#aab1c0",
        "input-selection-background": "#7aa2c8 35%",
        "scrollbar": "#3a4353",
        "scrollbar-background": "#1a1e26",
        "scrollbar-corner-color": "#1a1e26",
    },
)

PAPER = Theme(
    name="paper",
    primary="#2f6690",
    secondary="#7a7f8c",
    accent="#a8480f",
    warning="#c9700e",
    error="#b3262e",
    success="#3d7a34",
    foreground="#23262d",
    background="#fbf8f1",
    surface="#f4efe4",
    panel="#e9e2d3",
    dark=False,
    variables={
        "border": "#c9bfa9",
        "border-blurred": "#c9bfa9",
        "footer-background": "#f4efe4",
        "footer-key-foreground": "#a8480f",
        "footer-description-foreground": "#575349",
        "input-selection-background": "#2f6690 25%",
        "scrollbar": "#c9bfa9",
        "scrollbar-background": "#f4efe4",
        "scrollbar-corner-color": "#f4efe4",
    },
)


def readable_variables(app: App[Any], variables: Mapping[str, str]) -> dict[str, str]:
    """Return textual's ``variables`` for the app's theme with those that make it readable.

    See ``colours.py``; how many colours there are is what rich found out of the terminal.
    """
    colours = _COLOURS.get(app.console.color_system or "", "truecolor")
    mended = colour_variables(
        variables,
        is_dark=app.current_theme.dark,
        colours=colours,
        tints_by_style=app.no_color or colours == "standard",
    )
    return {**variables, **mended}
