"""What the tints of the transcript mean.

Must never change by itself: it is drawn once for a theme.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from tui.prose.turn import TINT_LIMITS, TINTS

_FULL_WIDTH = 52


class Legend(Widget):
    """One line that shows each tint with its range of surprisal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in TINTS}

    def render(self) -> Content:
        """Return the legend in the theme's colours."""
        limits = [f"{limit:g}" for limit in TINT_LIMITS]
        ranges = [f"<{limits[0]}"]
        ranges += [f"{low}–{high}" for low, high in pairwise(limits)]
        ranges.append(f"{limits[-1]}+")
        label = "surprisal in bits  " if self.size.width >= _FULL_WIDTH else "bits "
        parts: list[Content] = [Content(label)]
        for name, text in zip(TINTS, ranges, strict=True):
            parts.append(Content.styled(f" {text} ", self.get_visual_style(f"transcript--{name}")))
        return Content("").join(parts)
