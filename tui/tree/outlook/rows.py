"""What could be said as rows: indented tokens with bars and probabilities, and what they cover.

Must never hold state or look at a widget, and never puts a text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.outlook.gathered import Outlook
from core.playground.outlooks import Place
from core.records.outlook import Prospect, Reach
from core.text.readable import percent, token_count
from core.text.visible import SPECIAL_TOKEN, keep_end, one_line
from tui.common.step_rows import (
    CHOSEN,
    DIM,
    NUMBER,
    RAW_BAR,
    REST_BAR,
    Row,
    bar,
    fitting,
    shorten,
)
from tui.common.visible import visible_prose, visible_token

OPEN = "◌"
_WHOLE = "■"
_NUMBER = 7
_DEEPEST = 3
"""So many depths are told of, where there is no room for all."""


class OutlookRow(NamedTuple):
    """One row: of ``prospect``, or of what is left out behind a text, whose prospect it is then."""

    prospect: Prospect | None
    row: Row


def head_row(width: int) -> Row:
    """Return the names of the columns."""
    cells = _bar_width(width)
    return [(f"{'':{cells}} {'all %':>{_NUMBER}} {'step %':>{_NUMBER}}  text", DIM)]


def outlook_rows(outlook: Outlook, reach: Reach, width: int) -> list[OutlookRow]:
    """Return all that is known, the likeliest first and each behind what it begins with.

    What is left out beside others has a row where it is together as likely as the least.
    """
    cells = _bar_width(width)
    rows: list[OutlookRow] = []
    waiting: list[tuple[int, int, Sequence[Prospect]]] = [(0, 0, outlook.behind(0))]
    while waiting:
        parent, done, behind = waiting.pop()
        if done < len(behind):
            one = behind[done]
            waiting.append((parent, done + 1, behind))
            is_first = not done
            rows.append(OutlookRow(one, _row(one, outlook, cells, is_first=is_first)))
            waiting.append((one.index, 0, outlook.behind(one.index)))
            continue
        left_out, tokens = outlook.left_out_behind(parent)
        if behind and left_out >= reach.least:
            depth = len(outlook.way_to(parent))
            rows.append(OutlookRow(None, _left_out(left_out, tokens, depth, cells)))
    return rows


def _bar_width(width: int) -> int:
    return 6 if width < 70 else 12 if width < 130 else 20


def _row(one: Prospect, outlook: Outlook, cells: int, *, is_first: bool) -> Row:
    path = one.path_probability
    row: Row = [
        (bar(path, cells), RAW_BAR),
        (f" {percent(path):>{_NUMBER}} {percent(one.probability):>{_NUMBER}}  ", NUMBER),
        ("  " * (one.depth - 1), ""),
        (visible_token(one.token_text), "bold " + CHOSEN if is_first else NUMBER),
    ]
    mark = OPEN if outlook.is_open(one) else _end_mark(one)
    return [*row, (f" {mark}", DIM)] if mark else row


def _end_mark(one: Prospect) -> str:
    if one.end is None or one.end == "depth":
        return ""
    return SPECIAL_TOKEN if one.end == "end_of_text" else _WHOLE


def _left_out(probability: float, tokens: int, depth: int, cells: int) -> Row:
    others = "1 other" if tokens == 1 else f"{tokens:,} others"
    return [
        (bar(probability, cells), REST_BAR),
        (f" {percent(probability):>{_NUMBER}} {'':{_NUMBER}}  ", DIM),
        ("  " * depth, ""),
        (f"… {others}", "italic " + DIM),
    ]


def title_row(place: Place, width: int) -> Row:
    """Return what the page is of: the end of the text before."""
    head = " what could be said"
    room = max(8, width - len(head) - 12)
    before = keep_end(visible_prose(place.before).replace("\n", "⏎"), room)
    behind: Row = [("  behind ", DIM), (f"‘{before}’", NUMBER)] if before else []
    return shorten([(head, "bold " + CHOSEN), *behind], width)


def dial_row(place: Place, reach: Reach, width: int) -> Row:
    """Return the two dials, and which preset writes."""
    dials: Row = [
        ("depth ", DIM),
        (f"◂ {token_count(reach.depth)} ▸", NUMBER),
        ("   least ", DIM),
        (f"- {_least(reach)} +", NUMBER),
        (f"   {one_line(place.preset_name)}", "bold $text-primary"),
    ]
    told = [_remark(place, is_short=is_short) for is_short in (False, True)]
    return shorten(fitting([[*dials, (one, DIM)] for one in (*told, "")], width), width)


def _least(reach: Reach) -> str:
    return f"{reach.least * 100:g}%"


def _remark(place: Place, *, is_short: bool) -> str:
    """Return what of the settings the page is not of."""
    remarks = []
    if place.settings.num_beams > 1:
        remarks.append("beams ignored" if is_short else "its beams are ignored")
    if not place.settings.do_sample:
        long = "it writes the first one; the figures are those of a draw"
        remarks.append("writes the first one" if is_short else long)
    return "".join(f" · {one}" for one in remarks)


def covered_row(outlook: Outlook, state: str, width: int) -> Row:
    """Return how far the search is, and how much of all that could be said is shown."""
    shares = outlook.covered_to()
    start: Row = [(f"{state} · {len(outlook.prospects):,} texts", NUMBER)]
    waiting: Row = [(f" · {percent(outlook.open)} to look behind", DIM)] if outlook.open else []
    told: list[Row] = [
        [*start, (f" · covered {_shares(shares, most)}", DIM), *waiting]
        for most in (len(shares), 8, _DEEPEST, 2)
        if shares
    ]
    return shorten(fitting([*told, [*start, *waiting]], width), width)


def _shares(shares: Sequence[float], most: int) -> str:
    shown = [f"{percent(share)} to {depth}" for depth, share in enumerate(shares, start=1)]
    if len(shown) > most:
        shown[most - 1 : -1] = ["…"]
    return ", ".join(shown) + (" token" if len(shares) == 1 else " tokens")


def picked_text(place: Place, outlook: Outlook, picked: int) -> tuple[Row, Row]:
    """Return the text before and the one that is picked, and what there is to know of it."""
    way = outlook.way_to(picked)
    if not way:
        return [(visible_prose(place.before), DIM)], []
    one = way[-1]
    ends = {
        "end_of_text": "the text ends there",
        "stop_string": "a stop string ends it there",
        "length": "the length asked for ends it there",
        "context_full": "the context is full there",
    }
    facts = f"{token_count(one.depth)} · {percent(one.path_probability, 3)}"
    if one.end in ends:
        facts += f" · {ends[one.end]}"
    text: Row = [
        (visible_prose(place.before), DIM),
        (visible_prose(outlook.text_of(picked)), "bold " + CHOSEN),
    ]
    return text, [(facts, NUMBER)]
