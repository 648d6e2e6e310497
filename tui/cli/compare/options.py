"""What ``compare`` can be told beside what every command can, and the columns that this means.

Must never import a model library: wrong columns are told before one is loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from core.looking_back.comparison.plans import of_models, of_presets, of_seeds, of_sweep, with_dice
from core.looking_back.comparison.sweeps import sweep_of
from core.presets.book import Preset, PresetBook
from core.records.chat import Message
from core.records.comparison import ColumnPlan
from core.records.errors import PlaygroundError
from core.records.request import Request
from tui.cli.options import whole_number
from tui.cli.parsing.settings import decoding_settings

MOST_AT_ONCE = 16
"""More columns than a screen has room for; each is a row of the model's cache, or several."""


class CompareFormat(StrEnum):
    """The forms in which ``compare`` writes its result."""

    TABLE = "table"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


ColumnsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--presets",
        metavar="A,B,C",
        help="A column for each of these presets; the first one is what the others are held "
        "against. (The file of presets is named before the command: --presets FILE compare.)",
    ),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        metavar="N",
        parser=whole_number("--seeds", 2, MOST_AT_ONCE),
        help="A column for each of N seeds of one preset, from --seed on.",
    ),
]
SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="NAME=FIRST:LAST:N",
        help="A column for each value of one setting: N of them from first to last, or a list "
        "(top_k=5,50,none).",
    ),
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="A,B",
        help="All that for each of these models, one after the other; alone, one preset under "
        "each.",
    ),
]
OwnDiceOption = Annotated[
    bool,
    typer.Option(
        "--own-dice",
        help="Let each column draw by a seed of its own. Without it all have the same dice, so "
        "that what differs comes from the settings.",
    ),
]
CompareFormatOption = Annotated[
    CompareFormat,
    typer.Option(
        "--format",
        help="table: a row of figures for every column, then the texts. jsonl: JSON records of "
        "every column, as they come, then the figures. markdown: the table, to be handed on.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the columns are to be, and what changes the settings of all."""

    presets: Sequence[str] = ()
    seeds: int | None = None
    sweep: str | None = None
    models: str | None = None
    own_dice: bool = False
    sets: Sequence[str] = ()
    unset: Sequence[str] = ()
    steps: int | None = None


def plans_of(
    asked: Asked, book: PresetBook, preset: Preset | None, seed: int | None, prompt: str
) -> tuple[ColumnPlan, ...]:
    """Return the columns that ``asked`` means: one way to make them, for each model.

    ``preset`` is the one that was named, ``None`` where none was.

    Raises:
        PlaygroundError: It means none, two ways at once, or settings that are wrong.
    """
    ways = [asked.presets, asked.seeds, asked.sweep]
    count = sum(bool(one) for one in ways)
    if count > 1 or (count == 0 and not asked.models):
        raise PlaygroundError(
            "say what the columns are in one way: --presets A,B or --seeds N or --sweep"
            " NAME=FIRST:LAST:N; --models A,B may come with it"
        )
    if asked.presets and preset is not None:
        raise PlaygroundError("--preset has no effect beside --presets; leave it out")

    def changed(one: Preset) -> Preset:
        settings = decoding_settings(one, asked.sets, unset=asked.unset, steps=asked.steps)
        return dataclasses.replace(one, settings=settings)

    def asked_with(one: Preset) -> Request:
        messages = (Message("user", prompt),) if one.chat is not None else ()
        text = "" if messages else prompt
        return Request(text, one.settings, messages=messages, chat=one.chat)

    models = _names(asked.models) if asked.models else []
    chosen = preset or book.presets[0]
    most = MOST_AT_ONCE
    if asked.presets:
        presets = [changed(one) for one in _presets(asked.presets, book)]
        if len(presets) == 1 and models:
            plans: tuple[ColumnPlan, ...] = (ColumnPlan(presets[0].name, asked_with(presets[0])),)
        else:
            plans = of_presets(presets, asked_with, most=most)
    elif asked.seeds:
        plans = of_seeds(changed(chosen), asked.seeds, asked_with, seed, most=most)
    elif asked.sweep:
        plans = of_sweep(changed(chosen), sweep_of(asked.sweep, most=most), asked_with, most=most)
    else:
        plans = (ColumnPlan(chosen.name, asked_with(changed(chosen))),)
    if not asked.seeds:
        plans = with_dice(plans, seed, same=not asked.own_dice)
    return of_models(plans, models, most=most) if models else plans


def _presets(given: Sequence[str], book: PresetBook) -> list[Preset]:
    """Return the presets that are named, with commas between them or each by itself."""
    known = {one.name for one in book.presets}
    names = [name for one in given for name in ([one] if one in known else _names(one))]
    return [book.named(name) for name in names]


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
