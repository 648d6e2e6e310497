"""The page of one setting as rows: what is known of it, and a picture of what it does.

Must never hold state or look at a widget, nor say of a setting what the table does not.
"""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

from core.looking_back.other_settings.example import PROSE, Weighed, shown, values, weighed
from core.records.setting_facts.table import FACTS
from core.records.settings import Settings
from core.text.readable import percent
from core.text.visible import pad
from tui.common.step_rows import CHOSEN, CHOSEN_BAR, CUT_BAR, DIM, NUMBER, RAW_BAR, Row, bar
from tui.common.visible import fit, visible_token

_LABEL = 9
_TOKEN = 9
_PERCENT = 6
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}


def setting_rows(name: str, at: int, width: int) -> list[Row]:
    """Return the page of the setting ``name``, turned to its ``at``-th value."""
    facts = FACTS[name]
    rows = _prose("does", facts.does, width)
    rows += [row for one in facts.formula.splitlines() for row in _prose("formula", one, width)]
    rows += _prose("range", f"{facts.values}; {_default(name)}", width)
    rows += _prose("source", facts.source, width)
    value = values(name)[at]
    tokens = weighed(name, value)
    rows += [[], _turned(name, value, at), []]
    column = max(6, (width - _TOKEN - 2 * (_PERCENT + 3)) // 2)
    head = f"{'':{_TOKEN}}{'before':>{_PERCENT + 1}}{'':{column + 1}} {'after':>{_PERCENT}}"
    rows.append([(head, DIM)])
    rows += [_token(one, column) for one in tokens]
    rows.append([])
    rows.append([(_remark(name, tokens), "italic " + DIM)])
    return rows


def _prose(label: str, text: str, width: int) -> list[Row]:
    wrapped = textwrap.wrap(text, max(20, width - _LABEL)) or [""]
    rows: list[Row] = [[(" " * _LABEL + one, NUMBER)] for one in wrapped]
    rows[0] = [(pad(label, _LABEL), CHOSEN), (wrapped[0], NUMBER)]
    return rows


def _default(name: str) -> str:
    value: Any = _DEFAULTS[name]
    told = "nothing" if value in (None, ()) else str(value).lower()
    return f"without it, {told}"


def _turned(name: str, value: Any, at: int) -> Row:  # noqa: ANN401 - whatever a setting is
    left = "◂ " if at else "  "
    right = " ▸" if at + 1 < len(values(name)) else ""
    return [
        (f"behind “{PROSE}”  ", DIM),
        (left, CHOSEN),
        (f"{name} {shown(name, value)}", "bold " + CHOSEN),
        (right, CHOSEN),
    ]


def _token(one: Weighed, column: int) -> Row:
    style = DIM if one.is_cut else ("bold " + CHOSEN if one.is_chosen else NUMBER)
    shade = CHOSEN_BAR if one.is_chosen else RAW_BAR
    after = "cut" if one.is_cut else percent(one.after)
    return [
        (pad(fit(visible_token(one.text), _TOKEN - 1), _TOKEN), style),
        (f"{percent(one.before):>{_PERCENT}} ", DIM),
        (bar(one.before, column), CUT_BAR),
        ("  ", ""),
        (f"{after:>{_PERCENT}} ", style),
        (bar(0.0 if one.is_cut else one.after, column), shade),
    ]


def _remark(name: str, tokens: tuple[Weighed, ...]) -> str:
    is_other = any(one.is_cut or abs(one.after - one.before) > 1e-4 for one in tokens)
    if is_other:
        kept = sum(not one.is_cut for one in tokens)
        return f"{kept} of {len(tokens)} tokens are left"
    if name in ("seed", "do_sample"):
        return "it changes no chance, but which token is taken"
    return "it changes no chance here"
