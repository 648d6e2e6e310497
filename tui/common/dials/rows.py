"""Dials as rows.

Must never hold state or look at a widget.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from core.looking_back.other_settings.dial_table import Dial, Value, position, scale, shown
from core.looking_back.other_settings.dials import Dials
from core.presets.difference import told_value
from core.records.setting_facts.table import FACTS
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row
from tui.common.visible import fit, visible_prose

HEAD_ROWS = 1
"""How many rows stand above the first dial."""

_NAME = 20
_VALUE = 6
_ABOUT = 3
"""How many rows say what the picked dial is: its scale, its meaning and its range."""


def in_sight(count: int, selected: int, height: int) -> range:
    """Return which of ``count`` dials there is room for, ``selected`` among them."""
    room = max(1, min(count, height - HEAD_ROWS - _ABOUT))
    top = max(0, min(count - room, selected - room // 2))
    return range(top, top + room)


def dial_rows(
    known: Sequence[Dial],
    dials: Dials,
    selected: int,
    vocabulary_size: int,
    width: int,
    height: int,
    *,
    own: str,
) -> list[Row]:
    """Return a row for each dial that there is room for, then what the selected one is.

    ``own`` heads the values that are not turned. Where there is room left, it is told at length.
    """
    dial = known[selected]
    seen = in_sight(len(known), selected, height)
    head = "setting" if len(seen) == len(known) else f"setting {selected + 1} of {len(known)}"
    names = fit(f"  {head}", 2 + _NAME)
    rows: list[Row] = [[(f"{names}  {'now':>{_VALUE}}  {own:>{_VALUE}}", DIM)]]
    rows += [_dial_row(known[at], dials, is_selected=at == selected) for at in seen]
    rows.append(_scale_row(dial, dials, vocabulary_size, width))
    meaning = dials.why_idle(dial) or dial.meaning
    rows.append([("  " + meaning, "italic " + DIM)])
    rows.append([(fit("  " + _values(dial, dials), width), DIM)])
    room = height - len(rows) - 1
    if room > 0:
        lines = textwrap.wrap(FACTS[dial.name].does, max(10, width - 2))
        if len(lines) <= room:
            rows += [[], *([("  " + text, DIM)] for text in lines)]
    return rows


def _values(dial: Dial, dials: Dials) -> str:
    """Return which values a dial goes through: its range, or what a preset names."""
    name = dial.name
    if name == "exponential_decay_length_penalty":
        return f"a factor, from token {dials.decay_start:,} on"
    if not dial.is_switch:
        return FACTS[name].values
    settings = dials.own if dials.own_value(name) else dials.sampling
    return visible_prose(told_value(settings.to_full_mapping()[name]))


def _dial_row(dial: Dial, dials: Dials, *, is_selected: bool) -> Row:
    name = dial.name
    value, own = dials.value(name), dials.own_value(name)
    is_moved = value != own
    is_idle = bool(dials.why_idle(dial))
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


def _scale_row(dial: Dial, dials: Dials, vocabulary_size: int, width: int) -> Row:
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
