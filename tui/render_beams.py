"""Beam steps to styled text: which beams live, which have ended, which were given up.

Must never hold state or look at a widget, and never puts model text through markup.
"""

from __future__ import annotations

from core.beam_contest import grew_at
from core.steps import BeamStep, Hypothesis
from tui.render import CHOSEN, DIM, NUMBER, Row, token_row
from tui.visible import SPECIAL_TOKEN, fit_tail, visible_prose, visible_token

_BEST = "bold " + CHOSEN
_SCORE_WIDTH = 7
_PARENT_WIDTH = 4
_LONGEST_TAIL = 120


def beam_header(step: BeamStep, length_penalty: float, width: int) -> list[Row]:
    """Return what one step of the search came to, in two lines."""
    best = step.hypotheses[0] if step.hypotheses else None
    first: Row = [
        (f"{len(step.hypotheses)} beams", "bold"),
        (f" · {len(step.finished)} finished · {len(step.dropped)} dropped", DIM),
    ]
    if best is None:
        return [first]
    leads: Row = [(" leads, Σ ", DIM), (f"{best.score:.2f}", NUMBER)]
    rests = [leads]
    if length_penalty:
        rests.insert(0, [*leads, (f" · score {best.normalized_score:.2f}", DIM)])
    return [first, token_row(best.token.text, rests, width)]


def beam_list(
    step: BeamStep,
    previous: BeamStep | None,
    width: int,
    height: int,
    *,
    is_over: bool = False,
) -> list[Row]:
    """Return the ranked beams, then finished and dropped ones as far as ``height`` allows.

    Where the search ``is_over`` and not all have room, the finished ones come first: the winner is
    among them.
    """
    rows: list[Row] = [[("  # Σ log p  from ending", DIM)]]
    parents = _parent_count(previous)
    live = [
        _live_row(rank, one, parents if grew_at(step, one) else 1, width)
        for rank, one in enumerate(step.hypotheses[: max(1, height)])
    ]
    ended = [
        _closed_row("✓", "$text-success", one, f"score {one.normalized_score:.2f}", width)
        for one in step.finished[:height]
    ]
    dropped = [
        _closed_row("✗", "$text-error", one.hypothesis, one.reason, width)
        for one in step.dropped[:height]
    ]
    groups = [(live, len(step.hypotheses), "live"), (ended, len(step.finished), "finished")]
    if is_over and len(step.hypotheses) + len(step.finished) > height - 1:
        groups.reverse()
    for shown, total, name in (*groups, (dropped, len(step.dropped), "dropped")):
        rows.extend(_within(shown, total, height - len(rows), name))
    return rows


def _parent_count(previous: BeamStep | None) -> int:
    return len(previous.hypotheses) if previous is not None else 1


def _within(rows: list[Row], total: int, room: int, name: str) -> list[Row]:
    """Return the rows that fit, the last one saying how many do not."""
    if room <= 0 or not total:
        return []
    if total <= room:
        return rows
    hidden = total - (room - 1)
    return [*rows[: room - 1], [(f"  … {hidden} more {name}", DIM)]]


def _live_row(rank: int, one: Hypothesis, parents: int, width: int) -> Row:
    moved = parents > 1 and one.parent != rank
    style = _BEST if rank == 0 else NUMBER
    row: Row = [
        ("▸" if rank == 0 else " ", CHOSEN),
        (f"{rank + 1:>2} ", DIM),
        (f"{one.score:>{_SCORE_WIDTH}.2f} ", NUMBER),
        (f"{f'←{one.parent + 1}' if moved else '':<{_PARENT_WIDTH}}", "$text-warning"),
    ]
    return [*row, *_ending(one, width - sum(len(text) for text, _ in row), style)]


def _closed_row(sign: str, sign_style: str, one: Hypothesis, remark: str, width: int) -> Row:
    row: Row = [(f"{sign} ", sign_style), (f"{one.score:>{_SCORE_WIDTH + 2}.2f} ", DIM)]
    remark = visible_prose(remark).replace("\n", " ")
    room = width - sum(len(text) for text, _ in row)
    remark = " " + fit_tail(remark, max(0, room // 2)) if remark else ""
    return [*row, *_ending(one, room - len(remark), DIM), (remark, "italic " + DIM)]


def _ending(one: Hypothesis, room: int, style: str) -> Row:
    """Return the end of a beam's text with its last token standing out."""
    shown = SPECIAL_TOKEN if one.is_special else visible_token(one.token.text)
    token = fit_tail(shown, max(1, room))
    before = one.text
    if one.token.text and not one.is_special and before.endswith(one.token.text):
        before = before[: -len(one.token.text)]
    before = visible_prose(before[-_LONGEST_TAIL:]).replace("\n", "⏎")
    room -= len(token)
    return [(fit_tail(before, room) if room > 1 else "", DIM), (token, style)]
