"""The scrubbing of a run as rows: its text, a map of its steps, a summary.

Must never hold state or look at a widget, and never puts a token's text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.records.decode_state import DecodeState
from core.records.recorded_run import TokenTexts
from core.text.readable import number
from core.text.visible import SPECIAL_TOKEN
from tui.common.dials.compared import PICK, PICK_MARK, token_named
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Part, Row
from tui.common.visible import NEWLINE, with_mark
from tui.prose.lines import Line, Piece

if TYPE_CHECKING:
    from core.looking_back.other_settings.scrub import Scrubbed, ScrubbedStep

_RULE = "── hypothetical from here on ──"
_LONG_RULE = "── hypothetical from here on: the model read the old text ──"

_PROMPT, _PICKED, _RULED, _SELECTED = "prompt", "picked", "rule", "selected"
_SAME, _OTHER, _CUT, _UNKNOWN = "same", "other", "cut", "unknown"
_LATER = "later "
_STYLES = {
    _PROMPT: "bold $text-primary",
    _SAME: "$foreground",
    _OTHER: "underline $on-other on $other",
    _CUT: "strike $on-cut on $cut",
    _UNKNOWN: "italic $dim",
    _LATER + _SAME: "$dim",
    _LATER + _OTHER: "underline $on-other-later on $other-later",
    _LATER + _CUT: "strike $on-cut-later on $cut-later",
    _PICKED: f"bold {PICK}",
    _RULED: "$text-warning",
    _SELECTED: "bold $on-selected on $selected",
}
_MAP_MARKS = {_SAME: ("─", "$faint"), _UNKNOWN: ("·", "$faint")}
_MAP_COLOURS = {_OTHER: "$primary", _CUT: "$error"}


def run_texts(token_ids: Sequence[int], texts: TokenTexts) -> list[str]:
    """Return what each token of a document adds to its text.

    A character in parts comes with its last one; a special token has its mark.
    """
    added: list[str] = []
    state = DecodeState()
    for token_id in token_ids:
        text, state = texts.extend(state, token_id)
        if token_id in texts.special_token_ids:
            text = with_mark(text, texts.token_text(token_id))
        added.append(text)
    if state.pending:
        added[-1] += "".join(map(texts.token_text, state.pending))
    return added


def kind_of(step: ScrubbedStep | None) -> str:
    """Return what became of a step: the same token, another, cut, or nobody knows."""
    if step is None:
        return _UNKNOWN
    if step.cut_by is not None:
        return _CUT
    return _OTHER if step.differs else _SAME


def text_pieces(
    prompt: str, added: Sequence[str], scrubbed: Scrubbed | None, texts: TokenTexts, width: int
) -> list[Piece]:
    """Return the run's text in pieces of one kind each, with the first divergence spelled out."""
    pieces = [Piece(prompt, _PROMPT)]
    for at, text in enumerate(added):
        step = scrubbed.steps[at] if scrubbed is not None else None
        kind = kind_of(step) if scrubbed is not None else _SAME
        if step is not None and step.is_hypothetical:
            kind = _LATER + kind
        pieces.append(Piece(text, kind, at))
        if scrubbed is not None and at == scrubbed.first_divergence and step is not None:
            is_mark = step.pick in texts.special_token_ids
            named = "nothing" if step.pick is None else token_named(step.pick, texts)
            pick = SPECIAL_TOKEN if is_mark else named
            pieces.append(Piece(PICK_MARK + pick, _PICKED, at))
            if at + 1 < len(added):
                rule = _LONG_RULE if width >= len(_LONG_RULE) else _RULE
                pieces.append(Piece(f"\n{rule}\n", _RULED))
    return pieces


def text_row(line: Line, selected: int) -> Row:
    """Return one line of the text, the token of step ``selected`` set off."""
    row: Row = []
    for piece in line:
        is_selected = piece.step == selected and piece.kind != _PICKED
        text = piece.text
        if text == "\n":
            is_shown = is_selected or piece.kind.endswith((_OTHER, _CUT))
            text = NEWLINE if is_shown else ""
        row.append((text, _STYLES[_SELECTED if is_selected else piece.kind]))
    return row


def legend_row() -> Row:
    """Return what the styles of the text mean."""
    return [
        ("another", _STYLES[_OTHER]),
        (" ", ""),
        ("cut", _STYLES[_CUT]),
        (" ", ""),
        (f"{PICK_MARK}instead", _STYLES[_PICKED]),
        (" ", ""),
        ("hypothetical", _STYLES[_LATER + _SAME]),
    ]


def map_row(scrubbed: Scrubbed | None, selected: int, width: int) -> Row:
    """Return all steps in one line of ``width`` cells: each cell tells the worst of its steps."""
    count = len(scrubbed.steps) if scrubbed is not None else 0
    if scrubbed is None or not count:
        return [("─" * width, "$faint")]
    row: Row = []
    for cell in range(width):
        first, last = step_at(cell, count, width), step_at(cell + 1, count, width)
        steps = range(first, max(first + 1, last))
        is_first = not cell or step_at(cell - 1, count, width) < first
        row.append(_map_cell(scrubbed, steps, selected if is_first else -1))
    return row


def step_at(cell: int, count: int, width: int) -> int:
    """Return the first step of a cell of the map."""
    return cell * count // max(1, width)


def _map_cell(scrubbed: Scrubbed, steps: range, selected: int) -> Part:
    if selected in steps:
        return "●", f"bold {CHOSEN}"
    if scrubbed.first_divergence in steps:
        return "◆", f"bold {PICK}"
    kinds = [kind_of(scrubbed.steps[at]) for at in steps]
    worst = next((kind for kind in (_CUT, _OTHER, _UNKNOWN) if kind in kinds), _SAME)
    if worst in _MAP_MARKS:
        return _MAP_MARKS[worst]
    divergence = scrubbed.first_divergence
    is_later = divergence is not None and steps.start > divergence
    return "█" if worst == _CUT else "▄", _MAP_COLOURS[worst] + (" 50%" if is_later else "")


def summary_row(scrubbed: Scrubbed, width: int, *, is_own: bool) -> Row:
    """Return in one sentence what the settings would have changed, a short one where need be."""
    row = _summary(scrubbed, "would differ", is_own=is_own)
    if sum(len(text) for text, _ in row) <= width:
        return row
    return _summary(scrubbed, "differ", is_own=is_own)


def _summary(scrubbed: Scrubbed, differ: str, *, is_own: bool) -> Row:
    count = len(scrubbed.steps)
    unknown = sum(step is None for step in scrubbed.steps)
    row: Row = []
    if scrubbed.differing:
        divergence = scrubbed.first_divergence or 0
        row += [
            (f"{scrubbed.differing:,}", "bold"),
            (f" of {_counted(count, 'step')} {differ}, ", NUMBER),
            (f"{scrubbed.cut:,}", "bold"),
            (f" token{'' if scrubbed.cut == 1 else 's'} cut; ", NUMBER),
            (f"first at step {number(divergence)}", f"bold {PICK}"),
        ]
    elif is_own:
        row.append(("the run's own settings: ←→ changes one and shows what it would do", NUMBER))
    else:
        row.append((f"none of {_counted(count, 'step')} {differ}", NUMBER))
    if unknown:
        row.append((f" · {_counted(unknown, 'step')} no longer kept", DIM))
    return row


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
