"""Where the document ends and what is typed begins: that line of text, with its white space shown.

Must never alter either side: what is drawn here is what a run would read, to the letter.
"""

from __future__ import annotations

from tui.common.step_rows import CHOSEN, DIM, Row
from tui.common.visible import NEWLINE, SPACE, TAB, fit, fit_tail, visible_prose

LONGEST_END = 120
"""So many characters of a document's end are enough for any width."""

_BAR = "▏"
_WIDEST_SIDE = 36
_MARGIN = 8
_MARKS = str.maketrans({" ": SPACE, "\n": NEWLINE, "\t": TAB})


def seam(end: str, typed: str, width: int) -> Row:
    """Return the end of a document, a bar, and the beginning of what is typed.

    White space next to the bar is drawn as marks, so that a missing or a double space is seen.

    Args:
        end: The last characters of the document, at most ``LONGEST_END``; cut ones are marked.
        typed: What would go on from there.
        width: Of the frame in whose line it stands, in cells.
    """
    side = min(_WIDEST_SIDE, (width - _MARGIN) // 2)
    if not end or side < 1:
        return []
    stripped, begun = end.rstrip(), typed.lstrip()
    before = _one_line(stripped) + end[len(stripped) :].translate(_MARKS)
    after = typed[: len(typed) - len(begun)].translate(_MARKS) + _one_line(begun[:LONGEST_END])
    after = fit(after, side).rstrip(" ")
    return [(fit_tail(before, side), DIM), (_BAR, "bold " + CHOSEN), (after, "bold")]


def _one_line(text: str) -> str:
    return visible_prose(text.replace("\t", TAB)).replace("\n", NEWLINE)
