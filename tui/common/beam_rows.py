"""Beam steps to styled text: which beams live, which have ended, which were given up.

Must never hold state or look at a widget, and never puts model text through markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.document.turn import Turn
from core.looking_back.beam_contest import grew_at, lost_by
from core.looking_back.beam_search import standing, tokens_put_first
from core.records.steps import BeamStep, DroppedHypothesis, Hypothesis
from core.text.readable import decimal
from core.text.visible import SPECIAL_TOKEN
from tui.common.parting import parted, shared
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row, row_width, token_row
from tui.common.visible import NEWLINE, fit_tail, visible_prose, visible_token

_BEST = "bold " + CHOSEN
_SCORE_WIDTH = 7
_PARENT_WIDTH = 4
_LEAST_TEXT = 12
"""The cells of a beam's text without which no remark stands behind it."""


def beam_header(step: BeamStep, length_penalty: float, width: int) -> list[Row]:
    """Return what one step of the search came to, in two lines."""
    best = step.hypotheses[0] if step.hypotheses else None
    first: Row = [
        (f"{len(step.hypotheses)} beams", "bold"),
        (f" · {len(step.finished)} finished · {len(step.dropped)} dropped", DIM),
    ]
    if best is None:
        return [first]
    leads: Row = [(" leads, Σ ", DIM), (decimal(best.score), NUMBER)]
    rests = [leads]
    if length_penalty:
        rests.insert(0, [*leads, (f" · score {decimal(best.normalized_score)}", DIM)])
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

    What all have in common stands once above them, and of each what it has from where it parts from
    the first. Where the search ``is_over`` and not all have room, the finished ones come first: the
    winner is among them.
    """
    live, ended = step.hypotheses, step.finished
    if live == ended:  # at the last step none lives on: those that have ended stand for them
        live = ()
    lost = tuple(one.hypothesis for one in step.dropped)
    parents = _parent_count(previous)
    groups = [
        _Group(
            "live",
            live,
            [
                _live_start(rank, one, parents if grew_at(step, one) else 1)
                for rank, one in enumerate(live)
            ],
            [() for _ in live],
        ),
        _Group(
            "finished",
            ended,
            [_closed_start("✓", "$text-success", one) for one in ended],
            [(f"score {decimal(one.normalized_score)}",) for one in ended],
        ),
        _Group(
            "dropped",
            lost,
            [_closed_start("✗", "$text-error", one) for one in lost],
            [_reasons(step, one) for one in step.dropped],
        ),
    ]
    texts = [beam_text(one) for group in groups for one in group.beams]
    rows: list[Row] = [[("  # Σ log p  from text", DIM)], *common_row(texts, width)]
    if is_over and len(live) + len(ended) > height - len(rows):
        groups[:2] = groups[1::-1]
    leader = next((beam_text(one) for group in groups for one in group.beams), "")
    begun = shared([leader, *texts]) if len(texts) > 1 else 0
    for group in groups:
        bodies = _bodies(group, leader, begun, width)
        rows.extend(_within(bodies, len(bodies), height - len(rows), group.name))
    return rows


class _Group(NamedTuple):
    """Beams of one kind, and what stands before and behind the text of each."""

    name: str
    beams: Sequence[Hypothesis]
    starts: Sequence[Row]
    remarks: Sequence[Sequence[str]]
    """In their long and in their short form."""


def _bodies(group: _Group, leader: str, begun: int, width: int) -> list[Row]:
    """Return the rows of one kind of beams, each from where it parts from ``leader``.

    Not from another kind: what has ended parts in its last token alone from what lives.
    """
    spaces = [max(1, width - row_width(start)) for start in group.starts]
    told = [
        next(filter(None, (_remark(one, space) for one in forms)), [])
        for forms, space in zip(group.remarks, spaces, strict=True)
    ]
    rooms = [max(1, space - row_width(one)) for space, one in zip(spaces, told, strict=True)]
    texts = [beam_text(one) for one in group.beams]
    leads = texts[:1] == [leader]
    shown = (
        parted(texts, rooms, begun) if leads else parted([leader, *texts], [1, *rooms], begun)[1:]
    )
    lines = zip(group.starts, group.beams, shown, told, strict=True)
    return [
        [*start, *ending(one, drawn, NUMBER if place or not leads else _BEST), *remark]
        for place, (start, one, drawn, remark) in enumerate(lines)
    ]


def standing_rows(turn: Turn, step: BeamStep) -> list[Row]:
    """Return why the search goes on behind ``step``, or is over, in up to three lines."""
    if turn.started is None:
        return []
    put = tokens_put_first(turn.steps)
    told = standing(step, turn.settings, turn.started.max_new_tokens - put, put=put)
    style = "$text-success" if told.is_over else "$text-warning"
    row: Row = [("over: " if told.is_over else "goes on: ", style)]
    have = f"{told.ended} of {told.wanted} have ended"
    if told.because == "none_left":
        return [[*row, ("no beam is left to go on", NUMBER)]]
    if told.because == "early_stopping":
        return [[*row, (f"{have}, early_stopping", NUMBER)]]
    if told.bound is None or told.last is None:
        return [[*row, (have, NUMBER)]]
    why = {"can_beat": "a beam may still win", "cannot_beat": "no beam can still win"}
    return [
        [*row, (why.get(told.because, have), NUMBER)],
        [("  the best may come to ", DIM), (decimal(told.bound), NUMBER)],
        [("  the last that ended has ", DIM), (decimal(told.last), NUMBER)],
    ]


def beam_text(one: Hypothesis) -> str:
    """Return a beam's text in one line; of a part of a character, what it stands for."""
    text = visible_prose(one.text).replace("\n", NEWLINE)
    return text + SPECIAL_TOKEN if one.is_special else text or visible_token(one.token.text)


def common_row(texts: Sequence[str], width: int) -> list[Row]:
    """Return a row with what all ``texts`` have in common, none where that is nothing."""
    common = texts[0][: shared(texts)] if texts else ""
    name = "  all: "
    if not common.strip():
        return []
    return [[(name, DIM), (fit_tail(common, width - len(name)), DIM)]]


def ending(one: Hypothesis, shown: str, style: str) -> Row:
    """Return what is ``shown`` of a beam's text, with its last token standing out."""
    if one.is_special and shown.endswith(SPECIAL_TOKEN):
        return [(shown.removesuffix(SPECIAL_TOKEN), DIM), (SPECIAL_TOKEN, style)]
    token = visible_prose(one.token.text).replace("\n", NEWLINE)
    if token and shown.endswith(token):
        return [(shown[: -len(token)], DIM), (visible_token(one.token.text), style)]
    return [(shown, style)]


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


def _live_start(rank: int, one: Hypothesis, parents: int) -> Row:
    moved = parents > 1 and one.parent != rank
    return [
        ("▸" if rank == 0 else " ", CHOSEN),
        (f"{rank + 1:>2} ", DIM),
        (f"{decimal(one.score):>{_SCORE_WIDTH}} ", NUMBER),
        (f"{f'←{one.parent + 1}' if moved else '':<{_PARENT_WIDTH}}", "$text-warning"),
    ]


def _closed_start(sign: str, sign_style: str, one: Hypothesis) -> Row:
    return [(f"{sign} ", sign_style), (f"{decimal(one.score):>{_SCORE_WIDTH + 2}} ", DIM)]


def _reasons(step: BeamStep, dropped: DroppedHypothesis) -> tuple[str, ...]:
    """Return why a beam was given up: by how much, where there is room to say it."""
    short = lost_by(step, dropped)
    told = () if short is None else (f"{dropped.reason} by {decimal(short)}",)
    return (*told, dropped.reason)


def _remark(remark: str, room: int) -> Row:
    """Return what is told behind a beam's text, nothing where little of the text were left."""
    remark = visible_prose(remark).replace("\n", " ")
    if not remark or room - len(remark) - 1 < _LEAST_TEXT:
        return []
    return [(" " + fit_tail(remark, max(0, room // 2)), "italic " + DIM)]
