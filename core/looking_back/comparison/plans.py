"""The ways to make columns: presets, seeds, one setting over a range; and their dice.

Must never make fewer columns than two, more than ``most``, or two of one name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from core.looking_back.comparison.sweeps import Sweep
from core.presets.book import Preset
from core.records.comparison import FEWEST_COLUMNS, MOST_COLUMNS, ColumnPlan
from core.records.errors import PlaygroundError
from core.records.request import Request
from core.records.seeds import new_seed
from core.records.settings import Settings

AskedWith = Callable[[Preset], Request]
"""Returns what a column is asked for under a preset: the same prompt behind the same text."""


def of_presets(
    presets: Sequence[Preset], asked_with: AskedWith, *, most: int = MOST_COLUMNS
) -> tuple[ColumnPlan, ...]:
    """Return a column for each of ``presets``.

    Raises:
        PlaygroundError: There are too few or too many, or one stands there twice.
    """
    names = [one.name for one in presets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PlaygroundError(f"the preset {twice!r} stands there twice; compare it with another")
    return _counted([ColumnPlan(one.name, asked_with(one)) for one in presets], most)


def of_seeds(
    preset: Preset,
    count: int,
    asked_with: AskedWith,
    first: int | None = None,
    *,
    most: int = MOST_COLUMNS,
) -> tuple[ColumnPlan, ...]:
    """Return ``count`` columns of one preset, whose seeds follow on one another.

    ``first`` is the first of them: the preset's own where it is ``None``, or one that is drawn.

    Raises:
        PlaygroundError: There are too few or too many, or the preset draws nothing.
    """
    if not preset.settings.do_sample:
        raise PlaygroundError(
            f"the preset {preset.name!r} draws nothing, so seeds change nothing; take one with"
            " do_sample: true"
        )
    begin = first if first is not None else preset.settings.seed
    begin = new_seed() if begin is None else begin
    request = asked_with(preset)
    seeds = range(begin, begin + count)
    return _counted([_with_seed(ColumnPlan(f"seed {one}", request), one) for one in seeds], most)


def of_sweep(
    preset: Preset, sweep: Sweep, asked_with: AskedWith, *, most: int = MOST_COLUMNS
) -> tuple[ColumnPlan, ...]:
    """Return a column of ``preset`` for each value of one setting.

    Raises:
        PlaygroundError: There are too few or too many, or the settings do not go together.
    """
    plans: list[ColumnPlan] = []
    for value, shown in zip(sweep.values, sweep.shown, strict=True):
        settings = preset.settings.replace(**{sweep.name: value})
        request = asked_with(dataclasses.replace(preset, settings=settings))
        plans.append(ColumnPlan(f"{sweep.name} {shown}", request))
    return _counted(plans, most)


def of_models(
    plans: Sequence[ColumnPlan], models: Sequence[str], *, most: int = MOST_COLUMNS
) -> tuple[ColumnPlan, ...]:
    """Return each of ``plans`` for each of ``models``.

    Raises:
        PlaygroundError: There are too few or too many, or one model stands there twice.
    """
    twice = next((name for name in models if models.count(name) > 1), None)
    if twice is not None:
        raise PlaygroundError(f"the model {twice!r} stands there twice; compare it with another")
    return _counted(
        [
            dataclasses.replace(plan, name=f"{plan.name}, {model}", model=model)
            for model in models
            for plan in plans
        ],
        most,
    )


def with_dice(
    plans: Sequence[ColumnPlan], seed: int | None = None, *, same: bool = True
) -> tuple[ColumnPlan, ...]:
    """Return ``plans`` with a seed for each that draws.

    The ``same`` dice are one seed for all: ``seed``, or where it is ``None`` the first that a
    column has, or one that is drawn. Then step n has the same draw in each, since a draw takes a
    waiting time for every token whatever the settings left; but beams draw several at once. Without
    them, each keeps its own, and one without draws its own.
    """
    drawing = [one for one in plans if one.request.settings.do_sample]
    own = [_settings(one).seed for one in drawing]
    if same and seed is None:
        seed = next((one for one in own if one is not None), None)
    if same and seed is None:
        seed = new_seed()
    found: list[ColumnPlan] = []
    for plan in plans:
        if not _settings(plan).do_sample:
            found.append(plan)
            continue
        its = seed if same else _settings(plan).seed
        found.append(_with_seed(plan, new_seed() if its is None else its))
    return tuple(found)


def _settings(plan: ColumnPlan) -> Settings:
    return plan.request.settings


def _with_seed(plan: ColumnPlan, seed: int) -> ColumnPlan:
    settings = dataclasses.replace(_settings(plan), seed=seed)
    return dataclasses.replace(plan, request=dataclasses.replace(plan.request, settings=settings))


def _counted(plans: Sequence[ColumnPlan], most: int) -> tuple[ColumnPlan, ...]:
    if not FEWEST_COLUMNS <= len(plans) <= most:
        raise PlaygroundError(
            f"{FEWEST_COLUMNS} to {most} columns stand side by side, not {len(plans)}"
        )
    return tuple(plans)
