"""A recorded run made ready for sweeping settings over it: each step cut down to what can win.

Must never run a model, nor leave out a token that could win. Sampling picks the token with the
greatest ``score / temperature - log time`` (see ``core.looking_back.dice``) among those that are
left, and temperature, ``top_k``, ``top_p`` and ``min_p`` leave a beginning of the tokens in falling
score. So a token never wins that has another before it whose time is shorter: of 50,257 tokens
about eleven remain, the rivals. Where a time is shorter by less than ``_CLOSE``, both remain, so
that no
rounding of torch's can prefer the one that is missing.

How many tokens, and how much probability, lie before a rival is known one by one for the likeliest
``HEADS`` tokens. All others, the tail, are counted by the float16 nearest to their value: between
two of these, and between two sums, lies what is true (see ``field``).

What penalties and bans can move, the tokens of the context, is kept apart as ``moved``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from core.decoding.recording import recorded_logits
from core.looking_back.dice import Dice
from core.records.recorded_run import RecordedRun

HEADS = 256
"""How many of the likeliest tokens are summed up one by one."""

_CLOSE = 1e-4
"""Logarithms of waiting times that are nearer to each other than this are not told apart.

Far more than float32 rounds off in softmax and division, which otherwise keep the order."""

_NOTHING = -torch.inf


@dataclass(frozen=True, slots=True)
class TokenTable:
    """Some tokens of every step, each shape (steps, n): ids int64, the others float64.

    ``values`` are logits less the step's greatest, ``leads`` minus the logarithm of the waiting
    times. A step that has fewer is filled up with values of minus infinity and ids of -1.
    """

    ids: torch.Tensor
    values: torch.Tensor
    leads: torch.Tensor


@dataclass(frozen=True, slots=True)
class SweepIndex:
    """All that a sweep needs of ``steps`` steps; values as in ``TokenTable``.

    ``maxima`` are the steps' greatest logits, shape (steps,). ``heads`` are the values of the
    likeliest tokens, falling, shape (steps, heads). ``grid``, shape (grid,), are the float16 that
    occur among the values of the tail, falling, and ``counts``, shape (steps, grid), how many
    tokens are nearest to each; ``counts_before``, shape (steps, grid + 1), are its running sums;
    both int32, for they are the most of it.
    ``rivals`` are the tokens that can win, in no order: the chosen one in column 0, greedy's in
    column 1. ``moved`` are the tokens that penalties and bans can move, falling in id,
    ``is_context`` those that stand in the text; they are counted nowhere else.
    ``chosen_column`` is where the chosen token stands in rivals and moved, side by side.
    """

    maxima: torch.Tensor
    heads: torch.Tensor
    grid: torch.Tensor
    counts: torch.Tensor
    counts_before: torch.Tensor
    rivals: TokenTable
    moved: TokenTable
    is_context: torch.Tensor
    chosen_column: torch.Tensor


def build_index(
    run: RecordedRun, positions: Sequence[int], dice: Dice, *, moves: bool
) -> SweepIndex:
    """Return the index of the steps at ``positions``, whose logits are kept.

    ``moves`` is whether penalties or bans are to be swept. Takes some milliseconds a step.
    """
    rows = [_row(run, position, dice, moves) for position in positions]
    grid = _unique(torch.cat([row.codes for row in rows])).flip(0)
    counts = torch.zeros(len(rows), len(grid), dtype=torch.int32)
    for at, row in enumerate(rows):
        counts[at, torch.searchsorted(-grid, -row.codes)] = row.code_counts.int()
    rivals, moved = (_table([getattr(row, name) for row in rows]) for name in ("rivals", "moved"))
    columns = rivals.ids.shape[1]
    return SweepIndex(
        maxima=torch.tensor([row.maximum for row in rows], dtype=torch.float64),
        heads=_padded([row.heads for row in rows], _NOTHING),
        grid=grid,
        counts=counts,
        counts_before=running_sums(counts).int(),
        rivals=rivals,
        moved=moved,
        is_context=_padded([row.is_context for row in rows], 0).bool(),
        chosen_column=torch.tensor(
            [0 if row.moved_chosen < 0 else columns + row.moved_chosen for row in rows]
        ),
    )


def nearest_half(values: torch.Tensor) -> torch.Tensor:
    """Return the float16 nearest to each of ``values``, as float64; it keeps their order."""
    return values.half().double()


def running_sums(masses: torch.Tensor) -> torch.Tensor:
    """Return the sums of the first 0, 1, … of ``masses``, shape (steps, n + 1)."""
    return torch.nn.functional.pad(masses.cumsum(dim=1), (1, 0))


_Tokens = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Ids, values and leads of some tokens of one step."""


@dataclass(frozen=True, slots=True)
class _Row:
    maximum: float
    heads: torch.Tensor
    codes: torch.Tensor
    code_counts: torch.Tensor
    rivals: _Tokens
    moved: _Tokens
    is_context: torch.Tensor
    moved_chosen: int


def _row(run: RecordedRun, position: int, dice: Dice, moves: bool) -> _Row:
    step = run.steps[position]
    if step is None:
        raise RuntimeError("only steps whose logits are kept are indexed")
    logits = recorded_logits(step).double()
    maximum = float(logits.max())
    values = logits - maximum
    leads = -dice.times(position).double().log()
    in_context = _unique(torch.tensor(run.context_at(position) if moves else ()).long())
    ends = torch.tensor(run.start.eos_token_ids if moves else ()).long()
    moved = _unique(torch.cat((in_context, ends[ends < len(values)]))).flip(0)
    others = values.clone()
    others[moved] = _NOTHING
    is_other = torch.ones(len(values), dtype=torch.bool)
    is_other[moved] = False
    heads = torch.topk(others, min(HEADS, len(values) - len(moved))).indices
    heads = heads[is_other[heads]]  # where the model rules tokens out, moved ones are no worse
    is_tail = is_other.clone()
    is_tail[heads] = False
    tail = nearest_half(values[is_tail])
    codes = _unique(tail)
    code_counts = torch.bincount(torch.searchsorted(codes, tail), minlength=len(codes))
    moved_chosen = (moved == step.token_id).nonzero()[:, 0].tolist()
    # Of equals, greedy takes the lowest id, as argmax does.
    greedy = int(others.argmax()) if bool((others > _NOTHING).any()) else -1
    first = torch.tensor([-1 if moved_chosen else step.token_id, greedy])
    ids = torch.cat((first, _rivals(heads, is_tail, values, leads)))
    is_filled = ids >= 0
    return _Row(
        maximum=maximum,
        heads=values[heads],
        codes=codes,
        code_counts=code_counts,
        rivals=(
            ids,
            torch.where(is_filled, values[ids], _NOTHING),
            torch.where(is_filled, leads[ids], _NOTHING),
        ),
        moved=(moved, values[moved], leads[moved]),
        is_context=torch.isin(moved, in_context),
        moved_chosen=moved_chosen[0] if moved_chosen else -1,
    )


def _rivals(
    heads: torch.Tensor, is_tail: torch.Tensor, values: torch.Tensor, leads: torch.Tensor
) -> torch.Tensor:
    """Return the tokens that none before them outruns clearly.

    ``heads`` are in falling value, and none of the tail has a greater value than any of them.
    Of equals, each may stand before the other: the one that is left out waits longer.
    """
    best = leads[heads].max() if len(heads) else torch.tensor(_NOTHING)
    tail = (is_tail & (leads > best - _CLOSE)).nonzero()[:, 0]
    ids = torch.cat((heads, tail[values[tail].sort(descending=True).indices]))
    before = torch.nn.functional.pad(leads[ids].cummax(dim=0).values, (1, 0), value=_NOTHING)
    return ids[leads[ids] > before[:-1] - _CLOSE]


def _unique(values: torch.Tensor) -> torch.Tensor:
    """Return the different ones of ``values``, rising."""
    found: torch.Tensor = torch.unique(values)
    return found


def _table(rows: list[_Tokens]) -> TokenTable:
    ids, values, leads = zip(*rows, strict=True)
    return TokenTable(
        _padded(list(ids), -1), _padded(list(values), _NOTHING), _padded(list(leads), _NOTHING)
    )


def _padded(rows: list[torch.Tensor], filling: float) -> torch.Tensor:
    return pad_sequence(rows, batch_first=True, padding_value=filling)
