"""Two presets as rows: the settings that differ, and one step under both.

Must never hold state or look at a widget, and never puts a token's or a preset's text through
markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.looking_back.other_settings.look import Judged
from core.presets.difference import differences, told_value
from core.records.recorded_run import TokenTexts
from core.records.setting_facts.table import FACTS
from core.records.settings import Settings
from core.records.steps import Candidate
from core.text.readable import number, percent
from tui.common.dials.compared import PICK, PICK_MARK, token_named
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, cut_name, shorten
from tui.common.visible import fit, visible_prose, visible_token

_WIDE = 100
"""The cells from which on the longest setting's name has room."""
_NARROW_NAME = 20
_NAME = (12, 32)
_VALUE = (8, 24)
_TOKEN = (8, 24)
_SHARE = 8


def difference_rows(one: Settings, other: Settings, names: Sequence[str], width: int) -> list[Row]:
    """Return a row for each setting that differs: both values, and what it means.

    ``names`` are the two's. Where it is too narrow, the meaning is cut, then the values.
    """
    found = differences(one, other)
    if not found:
        return [[("  the two set the same", DIM)]]
    told = [(_told(each.one), _told(each.other)) for each in found]
    meanings = [FACTS[each.name].meaning for each in found]
    name = _within(_NAME, max(len(each.name) for each in found))
    if width < _WIDE:
        name = min(name, _NARROW_NAME)
    longest = max(len(text) for pair in (*told, names) for text in pair)
    room = (width - name - 5 - max(map(len, meanings))) // 2
    value = min(_within(_VALUE, longest), max(_VALUE[0], room))
    rows: list[Row] = [
        [
            (fit("  setting", 2 + name), DIM),
            *((" " + fit(text, value), "bold") for text in names),
            (" what it is", DIM),
        ]
    ]
    for each, (mine, theirs), meaning in zip(found, told, meanings, strict=True):
        rows.append(
            [
                ("  " + fit(each.name, name), CHOSEN),
                (" " + fit(mine, value), NUMBER),
                (" " + fit(theirs, value), NUMBER),
                (" " + meaning, DIM),
            ]
        )
    return [shorten(row, width) for row in rows]


def step_rows(
    judged: Sequence[Judged],
    index: int,
    count: int,
    token_id: int,
    texts: TokenTexts,
    names: Sequence[str],
    width: int,
) -> list[Row]:
    """Return step ``index`` of ``count`` under two settings: whose token wins, and what is cut.

    ``token_id`` is the recorded token, ``names`` are those of the two.
    """
    head: Row = [(f"  step {number(index)}", "bold"), (f" of {count:,}", DIM)]
    faults = [one.fault for one in judged if one.fault]
    told = next((one.candidates for one in judged if not one.fault), ())
    if not told:
        return [head, *([("  " + visible_prose(one), "$text-warning")] for one in faults[:1])]
    token = _within(_TOKEN, width - 8 - 3 * _SHARE)
    column = _within(_VALUE, (width - token - _SHARE - 8) // 2)
    rows: list[Row] = [
        [*head, *_picks(judged, texts)],
        [
            (fit("    token", 4 + token), DIM),
            (f" {'raw':>{_SHARE}}", DIM),
            *((f" {fit(name, column).strip():>{column}}", "bold") for name in names),
        ],
    ]
    rows += [_token_row(at, judged, token_id, token, column) for at in range(len(told))]
    return rows + [[("  " + visible_prose(fault), "$text-warning")] for fault in faults]


def _picks(judged: Sequence[Judged], texts: TokenTexts) -> Row:
    """Return which token each would choose."""
    row: Row = [(" · ", DIM)]
    picks = [
        "?" if one.fault else "nothing" if one.pick is None else token_named(one.pick, texts)
        for one in judged
    ]
    if len(set(picks)) == 1:
        return [*row, (fit(picks[0], 24).rstrip(), f"bold {PICK}"), (" under both", DIM)]
    for at, pick in enumerate(picks):
        row += [(" beside " if at else "", DIM), (fit(pick, 16).rstrip(), f"bold {PICK}")]
    return row


def _token_row(at: int, judged: Sequence[Judged], token_id: int, token: int, column: int) -> Row:
    first = next(one.candidates[at] for one in judged if not one.fault)
    is_recorded = first.token_id == token_id
    row: Row = [
        ("  ▸ " if is_recorded else "    ", CHOSEN),
        (fit(visible_token(first.text), token), "bold" if is_recorded else NUMBER),
        (f" {percent(first.probability):>{_SHARE}}", DIM),
    ]
    for one in judged:
        if one.fault:
            row.append((f" {'?':>{column}}", DIM))
            continue
        candidate = one.candidates[at]
        is_pick = candidate.token_id == one.pick
        style = f"bold {PICK}" if is_pick else DIM if candidate.cut_by else NUMBER
        row.append((f" {_share(candidate, is_pick):>{column}}", style))
    return row


def _share(candidate: Candidate, is_pick: bool) -> str:
    mark = f"{PICK_MARK} " if is_pick else ""
    if candidate.final_logprob is None:
        return mark + cut_name(candidate.cut_by or "cut")
    return mark + percent(candidate.final_probability)


def _told(value: object) -> str:
    return visible_prose(told_value(value))


def _within(bounds: tuple[int, int], wanted: int) -> int:
    return max(bounds[0], min(bounds[1], wanted))
