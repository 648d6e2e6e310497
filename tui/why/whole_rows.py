"""A whole beam search as rows: a tree of texts, folded where its beams agree.

Must never hold state or look at a widget, and never puts model text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.looking_back.beam_contest import OUTSCORED
from core.looking_back.beam_search import Stretch, folded
from core.records.steps import BeamStep, Hypothesis
from core.text.readable import decimal, number
from tui.common.beam_rows import beam_text
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, row_width, shorten
from tui.common.visible import fit_tail

_STEPS_WIDTH = 9
_LEAST_TEXT = 16


class SearchRow(NamedTuple):
    """A row: the stretch that it shows, whether the winner goes through it, and its drawing."""

    stretch: Stretch
    is_of_winner: bool
    row: Row


def head_row() -> Row:
    """Return the names of the columns."""
    return [(f"  {'Σ log p':>8} {'steps':<{_STEPS_WIDTH}} text", DIM)]


def search_rows(steps: Sequence[BeamStep], winner: tuple[int, ...], width: int) -> list[SearchRow]:
    """Return all that ``steps`` ever held, each piece below what it begins with.

    ``winner`` are the tokens of the text that won, none where the search was stopped.
    """
    last = steps[-1].index if steps else 0
    rows: list[SearchRow] = []
    waiting = [(one, 0, "") for one in reversed(folded(steps))]
    while waiting:
        stretch, depth, before = waiting.pop()
        end = stretch.beams[-1]
        is_of_winner = winner[: len(end.token_ids)] == end.token_ids
        row = _row(stretch, before, depth, is_of_winner=is_of_winner, last=last, width=width)
        rows.append(SearchRow(stretch, is_of_winner, row))
        text = beam_text(end)
        waiting.extend((one, depth + 1, text) for one in reversed(stretch.behind))
    return rows


def _row(
    stretch: Stretch, before: str, depth: int, *, is_of_winner: bool, last: int, width: int
) -> Row:
    end = stretch.beams[-1]
    first, at = (number(len(one.token_ids) - 1) for one in (stretch.beams[0], end))
    steps = first if first == at else f"{first}–{at}"
    start: Row = [
        ("◆ " if is_of_winner else "  ", CHOSEN),
        (f"{decimal(end.score):>8} ", NUMBER if is_of_winner else DIM),
        (f"{steps:<{_STEPS_WIDTH}} ", DIM),
        (" " * min(2 * depth, max(0, width // 3)), ""),
    ]
    fate = _fate(stretch, last)
    room = width - row_width(start)
    if room - row_width(fate) < _LEAST_TEXT:
        fate = fate[:1]
    text = fit_tail(_piece(end, before), max(1, room - row_width(fate)))
    return shorten([*start, (text, CHOSEN if is_of_winner else NUMBER), *fate], width)


def _piece(end: Hypothesis, before: str) -> str:
    """Return what the stretch adds; the rest of a text, or what its last token stands for."""
    text = beam_text(end)
    return text[len(before) :] if text.startswith(before) and text != before else text


def _fate(stretch: Stretch, last: int) -> Row:
    """Return what became of the text at the stretch's end; the sign first."""
    end = stretch.beams[-1]
    if stretch.ended and not stretch.lost:
        return [(" ✓", "$text-success"), (f" score {decimal(end.normalized_score)}", DIM)]
    if stretch.lost:
        return [(" ✗", "$text-error"), (f" {stretch.lost}", DIM)]
    if stretch.behind or len(end.token_ids) > last:
        return []
    return [(" ✗", "$text-error"), (f" {OUTSCORED}: nothing of it lived on", DIM)]
