"""A recorded run made ready for sweeping settings over it: each step cut down to what can win.

Must never run a model. Sampling picks the token with the greatest ``score / temperature - log
time`` (see ``core.dice``) among those that are left, and temperature, ``top_k``, ``top_p`` and
``min_p`` leave a beginning of the tokens in falling score. So a token that has a likelier one with
a shorter time before it can never win: of 50,257 tokens about eleven remain. How much probability
lies before a token is summed over the likeliest tokens one by one, and over the others by their
stored value, of which 16 bit leave a few thousand.

What penalties and bans can move, the tokens of the context, is kept apart as ``moved``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from core.dice import Dice
from core.logits_store import RecordedRun, RecordedStep
from core.recording import exact_ids, exact_logits, recorded_differences

_MAGNITUDES = 0x7C01
"""How many magnitudes float16 has, infinity included."""

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
    exact tokens, falling, shape (steps, heads). ``grid``, shape (grid,), are the values of the
    other tokens, falling, and ``counts``, shape (steps, grid), how many have each;
    ``counts_before``, shape (steps, grid + 1), are its running sums. ``rivals`` are the
    tokens that can win: the chosen one in column 0, greedy's in column 1. Of ``heads`` and
    ``grid``, ``head_place`` and ``grid_place`` are likelier than each rival, and ``ties`` tokens
    of its very value come before it. ``moved`` are the tokens that penalties and bans can move,
    falling in id, ``is_context`` those that stand in the text; they are counted nowhere else.
    ``chosen_column`` is where the chosen token stands in rivals and moved, side by side.
    """

    maxima: torch.Tensor
    heads: torch.Tensor
    grid: torch.Tensor
    counts: torch.Tensor
    counts_before: torch.Tensor
    rivals: TokenTable
    head_place: torch.Tensor
    grid_place: torch.Tensor
    ties: torch.Tensor
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
    codes = _unique(torch.cat([row.codes for row in rows]))
    grid = -codes.short().view(torch.float16).double()
    counts = torch.zeros(len(rows), len(codes), dtype=torch.float64)
    for at, row in enumerate(rows):
        counts[at, torch.searchsorted(codes, row.codes)] = row.code_counts.double()
    heads = _padded([row.heads for row in rows], _NOTHING)
    rivals = TokenTable(
        _padded([row.rival_ids for row in rows], -1),
        _padded([row.rival_values for row in rows], _NOTHING),
        _padded([row.rival_leads for row in rows], _NOTHING),
    )
    moved = TokenTable(
        _padded([row.moved_ids for row in rows], -1),
        _padded([row.moved_values for row in rows], _NOTHING),
        _padded([row.moved_leads for row in rows], _NOTHING),
    )
    columns = rivals.ids.shape[1]
    return SweepIndex(
        maxima=torch.tensor([row.maximum for row in rows], dtype=torch.float64),
        heads=heads,
        grid=grid,
        counts=counts,
        counts_before=running_sums(counts),
        rivals=rivals,
        head_place=places(heads, rivals.values),
        grid_place=places(grid, rivals.values),
        ties=_padded([row.ties for row in rows], 0),
        moved=moved,
        is_context=_padded([row.is_context for row in rows], 0).bool(),
        chosen_column=torch.tensor(
            [0 if row.moved_chosen < 0 else columns + row.moved_chosen for row in rows]
        ),
    )


def places(falling: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return how many of ``falling`` exceed each of ``values``, shape (steps, m).

    ``falling`` has shape (steps, n), or (n,) where it is the same for all steps.
    """
    if falling.shape[-1] == 0:
        return torch.zeros_like(values, dtype=torch.long)
    return torch.searchsorted(-falling, -values)


def running_sums(masses: torch.Tensor) -> torch.Tensor:
    """Return the sums of the first 0, 1, … of ``masses``, shape (steps, n + 1)."""
    return torch.nn.functional.pad(masses.cumsum(dim=1), (1, 0))


@dataclass(frozen=True, slots=True)
class _Row:
    maximum: float
    heads: torch.Tensor
    codes: torch.Tensor
    code_counts: torch.Tensor
    rival_ids: torch.Tensor
    rival_values: torch.Tensor
    rival_leads: torch.Tensor
    ties: torch.Tensor
    moved_ids: torch.Tensor
    moved_values: torch.Tensor
    moved_leads: torch.Tensor
    is_context: torch.Tensor
    moved_chosen: int


def _row(run: RecordedRun, position: int, dice: Dice, moves: bool) -> _Row:
    step = run.steps[position]
    if step is None:
        raise RuntimeError("only steps whose logits are kept are indexed")
    values = _values(step)
    leads = -dice.times(position).log()
    in_context = _unique(torch.tensor(run.context_at(position) if moves else ()))
    ends = torch.tensor(run.start.eos_token_ids if moves else ()).long()
    moved = _unique(torch.cat((in_context, ends))).flip(0)
    is_tail = torch.ones(len(values), dtype=torch.bool)
    is_tail[moved] = False
    exact = _unique(exact_ids(step))
    exact = _falling(exact[is_tail[exact]], values)
    is_tail[exact] = False
    codes, code_counts = _codes(step, is_tail)
    rivals = _rivals(exact, is_tail, values, leads)
    chosen_is_moved = bool((moved == step.token_id).any())
    # Of equals, greedy takes the lowest id, as argmax does.
    greedy = exact[values[exact] == values[exact].max()].min() if len(exact) else -1
    first = torch.tensor([-1 if chosen_is_moved else step.token_id, int(greedy)])
    ids = torch.cat((first, rivals))
    rival_values = torch.where(ids < 0, _NOTHING, values[ids])
    return _Row(
        maximum=step.maximum,
        heads=values[exact],
        codes=codes,
        code_counts=code_counts,
        rival_ids=ids,
        rival_values=rival_values,
        rival_leads=torch.where(ids < 0, _NOTHING, leads[ids].double()),
        ties=_ties(ids, rival_values, exact, is_tail, values),
        moved_ids=moved,
        moved_values=values[moved],
        moved_leads=leads[moved].double(),
        is_context=torch.isin(moved, in_context),
        moved_chosen=int((moved == step.token_id).nonzero()) if chosen_is_moved else -1,
    )


def _unique(ids: torch.Tensor) -> torch.Tensor:
    """Return the different ones of ``ids``, rising, int64."""
    found: torch.Tensor = torch.unique(ids.long())
    return found


def _values(step: RecordedStep) -> torch.Tensor:
    """Return all logits less the greatest, shape (vocabulary,), float64."""
    if step.tail:
        values = recorded_differences(step).double()
    else:
        values = torch.empty(step.vocabulary_size, dtype=torch.float64)
    values[exact_ids(step)] = exact_logits(step).double() - step.maximum
    return values


def _codes(step: RecordedStep, is_tail: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the bits of the tail's magnitudes that occur, int64, and how often each does."""
    if not step.tail:
        nothing = torch.empty(0, dtype=torch.long)
        return nothing, nothing
    magnitudes = recorded_differences(step).view(torch.int16) & 0x7FFF
    counts = torch.bincount(magnitudes[is_tail], minlength=_MAGNITUDES)
    codes = counts.nonzero()[:, 0]
    return codes, counts[codes]


def _falling(ids: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return ``ids``, which rise, in falling value; of equal ones the greater id comes first.

    So would transformers' nucleus with a stable sort: it sorts rising and keeps the end.
    """
    backward = ids.flip(0)
    return backward[torch.sort(values[backward], descending=True, stable=True).indices]


def _rivals(
    heads: torch.Tensor, is_tail: torch.Tensor, values: torch.Tensor, leads: torch.Tensor
) -> torch.Tensor:
    """Return the tokens that no likelier one outruns, likeliest first."""
    best = leads[heads].max() if len(heads) else torch.tensor(_NOTHING)
    tail = _falling((is_tail & (leads > best)).nonzero()[:, 0], values)
    ids = torch.cat((heads, tail))
    if not len(ids):
        return ids
    record = torch.cummax(leads[ids], dim=0).values
    is_new = torch.ones(len(ids), dtype=torch.bool)
    is_new[1:] = record[1:] > record[:-1]
    return ids[is_new]


def _ties(
    ids: torch.Tensor,
    rival_values: torch.Tensor,
    exact: torch.Tensor,
    is_tail: torch.Tensor,
    values: torch.Tensor,
) -> torch.Tensor:
    """Return how many other tokens of its very value come before each rival, int64."""
    others = torch.cat((exact, is_tail.nonzero()[:, 0]))
    same = values[others] == rival_values[:, None]
    return (same & (others > ids[:, None])).sum(dim=1)


def _padded(rows: list[torch.Tensor], filling: float) -> torch.Tensor:
    return pad_sequence(rows, batch_first=True, padding_value=filling)
