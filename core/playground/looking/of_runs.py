"""Two runs of the tree as columns: what each wrote behind the text that both go on from.

Must never change a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

from core.document.turn import Turn
from core.looking_back.comparison.column import Column
from core.records.comparison import ColumnPlan
from core.records.request import Request
from core.records.steps import BeamStep


def columns_of(
    first: Sequence[Turn], second: Sequence[Turn], names: Sequence[str]
) -> list[Column] | None:
    """Return the runs that end two documents as columns of those names.

    A column begins where the two may first part, and has the runs in between as well, such as the
    one that was forked. ``None`` where they answer different prompts, or have one in between: those
    are no columns.
    """
    shared = 0
    for one, other in zip(first, second, strict=False):
        if _written(one) != _written(other):
            break
        shared += 1
    # One of them may be but a beginning of the other.
    shared = min(shared, len(first) - 1, len(second) - 1)
    parts = first[shared:], second[shared:]
    begun = {part[0].started.context_token_ids for part in parts if part[0].started is not None}
    if len(begun) != 1 or not all(map(_flows, parts)):
        return None
    return [_column(part, name) for part, name in zip(parts, names, strict=True)]


def _written(turn: Turn) -> tuple[object, ...]:
    started = turn.started
    return (turn.node_id, started and started.context_token_ids, turn.token_ids)


def _flows(turns: Sequence[Turn]) -> bool:
    """Whether each turn goes on with the text of the one before, and no search hides where."""
    for before, turn in pairwise(turns):
        if before.started is None or turn.started is None or turn.prompt:
            return False
        whole = before.started.context_token_ids + before.token_ids
        if turn.started.context_token_ids != whole:
            return False
        if any(isinstance(step, BeamStep) for step in turn.steps[-1:]):
            return False
    return all(turn.finished is not None for turn in turns)


def _column(turns: Sequence[Turn], name: str) -> Column:
    first, last = turns[0].started, turns[-1]
    column = Column(ColumnPlan(name, Request("", last.settings), last.model_name))
    if first is not None and last.started is not None:
        column.started = dataclasses.replace(first, seed=last.started.seed)
    column.steps = [step for turn in turns for step in turn.steps]
    if last.finished is not None:
        column.finished = dataclasses.replace(
            last.finished,
            token_ids=tuple(token_id for turn in turns for token_id in turn.token_ids),
            text="".join(turn.text for turn in turns),
        )
    return column
