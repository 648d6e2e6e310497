"""The dials of scrubbing as rows.

Must never hold state or look at a widget.
"""

from __future__ import annotations

from core.looking_back.other_settings.dials import DIALS, Dials, Value, position, scale, shown
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import fit

HEAD_ROWS = 1
"""How many rows stand above the first dial."""

_NAME = 20
_VALUE = 6


def dial_rows(dials: Dials, selected: int, vocabulary_size: int, width: int) -> list[Row]:
    """Return a row for each dial, then for the selected one a scale and what it does."""
    names = fit("  setting", 2 + _NAME)
    rows: list[Row] = [[(f"{names}  {'now':>{_VALUE}}  {'run':>{_VALUE}}", DIM)]]
    rows += [_dial_row(dials, at, at == selected) for at in range(len(DIALS))]
    dial = DIALS[selected]
    meaning = dial.meaning
    if dials.is_idle(dial.name):
        meaning = "no effect while nothing is drawn"
    rows.append(_scale_row(dials, selected, vocabulary_size, width))
    rows.append([("  " + meaning, "italic " + DIM)])
    return rows


def _dial_row(dials: Dials, at: int, is_selected: bool) -> Row:
    name = DIALS[at].name
    value, own = dials.value(name), dials.own_value(name)
    is_moved = value != own
    is_idle = dials.is_idle(name)
    style = DIM if is_idle else (f"bold {CHOSEN}" if is_moved else NUMBER)
    left, right = ("◂", "▸") if is_selected else (" ", " ")
    return [
        ("▸ " if is_selected else "  ", CHOSEN),
        (fit(name, _NAME), DIM if is_idle else ("bold" if is_selected else NUMBER)),
        (f" {left}", CHOSEN),
        ("–".rjust(_VALUE) if is_idle else _cell(name, value), style),
        (right, CHOSEN),
        (" " + _cell(name, own), NUMBER if is_moved else DIM),
    ]


def _scale_row(dials: Dials, selected: int, vocabulary_size: int, width: int) -> Row:
    dial = DIALS[selected]
    own = dials.own_value(dial.name)
    values = scale(dial, own, vocabulary_size)
    room = max(3, width - 2 - 2 * (_VALUE + 1))
    last = max(1, len(values) - 1)

    def cell(at: int) -> int:
        return min(at, last) * (room - 1) // last

    here = cell(position(dial.name, values, dials.value(dial.name)))
    was = cell(position(dial.name, values, own))
    marks = ["━" if at < here else "─" for at in range(room)]
    row: Row = [(f"  {_cell(dial.name, values[0])} ", DIM)]
    for at, mark in enumerate(marks):
        if at == here:
            row.append(("●", f"bold {CHOSEN}"))
        elif at == was:
            row.append(("○", NUMBER))
        else:
            row.append((mark, CHOSEN if mark == "━" else DIM))
    row.append((" " + _cell(dial.name, values[-1]).strip(), DIM))
    return row


def _cell(name: str, value: Value) -> str:
    """Return a value at the right of its column, cut where it is longer."""
    text = shown(name, value)
    return text.rjust(_VALUE) if len(text) <= _VALUE else fit(text, _VALUE)
