"""Texts that begin alike, each shown from where it parts from the first of them.

Must never cut within a word where a word can be told, and never decides which text is the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui.visible import ELLIPSIS, NEWLINE, fit, fit_tail

_LONGEST_WORD = 24
"""In characters: what is longer, or has no spaces at all, is cut within."""


def parting(text: str, other: str) -> int:
    """Return where ``text`` parts from ``other``: the first character of the word that differs.

    A text that is but the beginning of the other parts from it in its last word.
    """
    at = _in_common(text, other)
    if at == len(text):
        at = len(text.rstrip())
    word = at
    while word > 0 and not (text[word - 1].isspace() or text[word - 1] == NEWLINE):
        word -= 1
        if at - word > _LONGEST_WORD:
            return at
    return word


def _in_common(text: str, other: str) -> int:
    """Return with how many characters both begin alike."""
    least, most = 0, min(len(text), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if text.startswith(other[:middle]):
            least = middle
        else:
            most = middle - 1
    return least


def shared(texts: Sequence[str]) -> int:
    """Return how many characters all of ``texts`` have in common, in whole words; the first leads.

    0 where there is but one: then nothing is worth telling apart.
    """
    first, *others = texts or ("",)
    return min((parting(other, first) for other in others), default=0)


def parted(texts: Sequence[str], rooms: Sequence[int]) -> list[str]:
    """Return what to show of each of ``texts``, each in at most its own of ``rooms`` cells.

    Of the first, what follows that which all have in common; of each other, what it has from where
    it parts from the first, or where that is too long, from the one before it that is most like it:
    so no two look alike that are not.
    """
    begun = shared(texts)
    shown = [fit_tail(texts[0][begun:], rooms[0])] if texts else []
    for place, text in enumerate(texts[1:], 1):
        room, start = rooms[place], parting(text, texts[0])
        if cell_len(text[start:]) + 1 > room:
            start = max(parting(text, before) for before in texts[:place])
        mark = ELLIPSIS if start > begun else ""
        rest = text[start:]
        if cell_len(mark + rest) > room:
            rest = fit(rest, max(1, room - cell_len(mark))).rstrip()
        shown.append(mark + rest)
    return shown
