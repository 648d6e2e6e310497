"""Texts that begin alike, each shown from where it parts from the first of them.

Must never cut within a word where a word can be told, and never decides which text is the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui.common.visible import ELLIPSIS, NEWLINE, fit, fit_tail

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


def parted(texts: Sequence[str], rooms: Sequence[int], begun: int | None = None) -> list[str]:
    """Return what to show of each of ``texts``, each in at most its own of ``rooms`` cells.

    Of the first, what follows its first ``begun`` characters, which stand elsewhere (those that all
    have in common, where left out); of each other, what it has from where it parts from the first,
    or where that is too long, from the one before it that is most like it. Where that is shown
    already, the words at which it parts from others stand before it: so no two look alike that are
    not, as far as there is room.
    """
    if begun is None:
        begun = shared(texts)
    shown = [fit_tail(texts[0][begun:], rooms[0])] if texts else []
    for place, text in enumerate(texts[1:], 1):
        starts = sorted({parting(text, before) for before in texts[:place]})
        room, from_first = rooms[place], parting(text, texts[0])
        if cell_len(text[from_first:]) < room:
            ways = [[from_first]]
        else:
            ways = [starts[-1:], starts, [starts[0], starts[-1]]]
        told = [_told(text, way, begun, room) for way in ways]
        shown.append(next((one for one in told if one not in shown), told[0]))
    return shown


def _told(text: str, starts: Sequence[int], begun: int, room: int) -> str:
    """Return the word of ``text`` at each of ``starts``, and from the last on as much as fits."""
    told, end = "", begun
    for start, following in zip(starts, [*starts[1:], len(text)], strict=True):
        told += ELLIPSIS if start > end else ""
        end = following if following == len(text) else _end_of_word(text, start, following)
        told += text[max(start, begun) : end]
    return told if cell_len(told) <= room else fit(told, room).rstrip()


def _end_of_word(text: str, start: int, limit: int) -> int:
    """Return where the word at ``start`` ends, with the space behind it where the next one does."""
    spaces = (at for at in range(start, limit) if text[at].isspace() or text[at] == NEWLINE)
    end = next(spaces, limit)
    return limit if end + 1 >= limit else end
