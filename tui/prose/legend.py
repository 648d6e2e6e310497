"""What the tints of the transcript mean.

Must never change by itself: it is drawn once for a theme.
"""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from core.text.readable import tint_ranges
from tui.prose.turn import TINTS

_FULL_WIDTH = 52


class Legend(Widget):
    """One line that shows each tint with its range of surprisal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in TINTS}

    def render(self) -> Content:
        """Return the legend in the theme's colours."""
        label = "surprisal in bits  " if self.size.width >= _FULL_WIDTH else "bits "
        parts: list[Content] = [Content(label)]
        for name, text in zip(TINTS, tint_ranges(), strict=True):
            parts.append(Content.styled(f" {text} ", self.get_visual_style(f"transcript--{name}")))
        return Content("").join(parts)
