"""One step of a beam search as rows: what is decided, who leads, what each beam had to offer.

Must never hold state or look at a widget, and never puts model text through markup.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from core.document.document import Turn
from core.looking_back.beam_contest import (
    Contender,
    ParentBeam,
    grew_at,
    has_new_lead,
    place_of_winner,
    tokens_in_common,
)
from core.looking_back.beam_search import (
    GreedyWay,
    ended_texts,
    greedy_way,
    ranked_under,
    tokens_put_first,
)
from core.records.steps import BeamStep
from core.text.readable import decimal, number, percent
from core.text.visible import pad
from tui.common.beam_rows import beam_header, beam_list, beam_text, standing_rows
from tui.common.parting import parted
from tui.common.step_rows import (
    CHOSEN,
    CHOSEN_BAR,
    CUT_BAR,
    DIM,
    NUMBER,
    RAW_BAR,
    Row,
    bar,
    cut_name,
    row_width,
    shorten,
)
from tui.common.visible import fit, fit_tail, visible_prose, visible_token

_TITLE = "bold $text-primary"
_WIDE = 62
"""The cells from which on a contender's row has room for a long token and a bar."""

_WORDY = 48
"""The cells from which on there is room to say what became of it."""

_LONGEST_LIST = 40
_OTHER_PENALTIES = (-1.0, 0.0, 0.5, 1.0, 2.0)
"""For which it is told what they would have ranked first, of the texts that ended."""


def beam_facts(turn: Turn, step: BeamStep, previous: BeamStep | None, width: int) -> list[Row]:
    """Return what the step came to, what of the text is decided, and the beams it left.

    And why the search goes on behind it, or has stopped.
    """
    told = [*beam_header(step, turn.settings.length_penalty, width), [], _decided(step)]
    told += [*_winner(turn, step), *_lead(step, previous), *standing_rows(turn, step)]
    rows = [shorten(row, width) for row in told]
    rows += [[], [("the beams after this step", _TITLE)]]
    kept = dataclasses.replace(step, dropped=())  # those stand among the contenders
    return rows + beam_list(kept, previous, width, _LONGEST_LIST)


def _decided(step: BeamStep) -> Row:
    common = tokens_in_common(step)
    if len(step.hypotheses) < 2:
        return [("one beam is left", DIM)]
    if not common:
        return [("decided so far: nothing", DIM)]
    tokens = "the first token" if common == 1 else f"the first {common:,} tokens"
    return [("decided so far: ", DIM), (tokens, NUMBER)]


def _winner(turn: Turn, step: BeamStep) -> list[Row]:
    """Return where the text that won in the end stood here, if the search is over."""
    if turn.finished is None:
        return []
    place = place_of_winner(step, turn.finished.token_ids)
    if place:
        return [[("◆ ", CHOSEN), ("the text that won stands at ", DIM), (f"#{place}", NUMBER)]]
    if any(one.token_ids == turn.finished.token_ids for one in step.finished):
        return [[("◆ ", CHOSEN), ("the text that won has ended", DIM)]]
    return []


def _lead(step: BeamStep, previous: BeamStep | None) -> list[Row]:
    if not has_new_lead(step, previous):
        return []
    leader = step.hypotheses[0]
    where = f"from beam {leader.parent + 1}" if grew_at(step, leader) else "to an ended text"
    return [[("the lead changed: ", "$text-warning"), (where, NUMBER)]]


def whole_rows(turn: Turn, width: int) -> list[Row]:
    """Return what a search that is over came to: greedy beside it, and other length penalties."""
    steps = [one for one in turn.steps if isinstance(one, BeamStep)]
    finished = turn.finished
    if not steps or finished is None:
        return []
    ended = ended_texts(steps)
    won = [one for one in ended if one.token_ids == finished.token_ids]
    if not won:
        return []
    rows: list[Row] = [[], [("the whole search", _TITLE)]]
    rows += _greedy(greedy_way(steps, won[0]) if not turn.settings.do_sample else None)
    own, put = turn.settings.length_penalty, tokens_put_first(turn.steps)
    others = [(one, ranked_under(ended, one, put=put)[0][1]) for one in _OTHER_PENALTIES]
    others = [(one, first) for one, first in others if one != own and first != won[0]]
    if not others:
        rows.append([("every length_penalty ranks it first", DIM)])
    for penalty, first in others:
        name = f"length_penalty {penalty:g}: "
        text = fit_tail(beam_text(first), max(8, width - len(name)))
        rows.append([(name, DIM), (text, NUMBER)])
    return [shorten(row, width) for row in rows]


def _greedy(way: GreedyWay | None) -> list[Row]:
    if way is None:
        return []
    if way.leaves_at is None or way.token is None:
        return [[("greedy would have written what won", DIM)]]
    token = visible_token(way.token.text)
    return [
        [
            ("greedy leaves it at step ", DIM),
            (number(way.leaves_at), NUMBER),
            (": ", DIM),
            (token, CHOSEN),
        ],
        [
            ("  its beam: to step ", DIM),
            (number(way.lost_at), NUMBER),
            (f", {decimal(abs(way.behind))} ", NUMBER),
            ("behind" if way.behind >= 0 else "ahead", DIM),
        ],
    ]


def parent_rows(parents: Sequence[ParentBeam], width: int) -> list[Row]:
    """Return the headline of each beam's contenders: its rank, its score, and its text.

    Of the first, that is the end; of each other, what it has from where it parts from the first.
    """
    starts: list[Row] = []
    for one in parents:
        if one.hypothesis is None:
            return [[("the prompt", _TITLE), (" · every beam begins here", DIM)]]
        score = f"  Σ {decimal(one.score)}  "
        starts.append([(f"beam {one.rank}", _TITLE), (score, NUMBER)])
    texts = [beam_text(one.hypothesis) for one in parents if one.hypothesis is not None]
    rooms = [max(1, width - row_width(start)) for start in starts]
    shown = parted(texts, rooms)
    if texts:
        shown[0] = fit_tail(texts[0], rooms[0])
    return [[*start, (text, DIM)] for start, text in zip(starts, shown, strict=True)]


def contender_row(one: Contender, width: int) -> Row:
    """Return a contender's row: token, probabilities, the sum with it, and what became of it."""
    token_width, bar_width, gap = (12, 0, " ")
    if width >= _WIDE:
        token_width, bar_width = 18, 10
    elif width < _WORDY:
        token_width, gap = 8, ""
    is_kept = one.fate in ("live", "finished")
    leads = one.fate == "live" and one.place == 1
    style = "bold " + CHOSEN if leads else (NUMBER if is_kept else DIM)
    shade = CHOSEN_BAR if leads else (RAW_BAR if is_kept else CUT_BAR)
    token = one.candidate
    total = "" if one.score is None else decimal(one.score)
    row: Row = [
        ("▸ " if leads else "  ", CHOSEN),
        (pad(fit(visible_token(token.text), token_width), token_width + 1), style),
        (bar(token.probability, bar_width), shade),
        (f" {percent(token.probability):>6}{gap}", NUMBER if is_kept else DIM),
        (f"{total:>8} {gap}", style),
    ]
    return shorten([*row, *_fate(one, in_words=width >= _WORDY)], width)


def _fate(one: Contender, *, in_words: bool) -> Row:
    if one.fate == "live":
        return [(f"#{one.place}", "bold " + CHOSEN if one.place == 1 else NUMBER)]
    if one.fate == "finished":
        return [("✓ ", "$text-success"), (f"ended as #{one.place}", NUMBER)]
    if one.fate == "dropped":
        by = f" by {decimal(one.short)}" if one.short is not None and in_words else ""
        return [("✗ ", "$text-error"), (visible_prose(one.reason) + by, DIM)]
    if one.fate == "cut":
        return [(cut_name(one.candidate.cut_by or "cut"), DIM)]
    far = "too far behind" if one.short is None else f"behind by {decimal(one.short)}"
    return [(far if in_words else "behind", DIM)]


def contest_rows(
    parents: Sequence[ParentBeam], width: int
) -> list[tuple[Row, ParentBeam, Contender | None]]:
    """Return every beam's headline and contenders, each row with what it stands for."""
    rows: list[tuple[Row, ParentBeam, Contender | None]] = []
    for parent, headline in zip(parents, parent_rows(parents, width), strict=True):
        rows.append((headline, parent, None))
        rows += [(contender_row(one, width), parent, one) for one in parent.contenders]
    return rows
