"""``gpt2-playground verify``: does this machine answer as the model is known to?

Must never import textual, nor a model library before the weights are found. The table goes to
standard output, everything else to standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.faults.circumstances import remember_model
from core.known_answers.expected import (
    LOGPROB_TOLERANCE,
    PERCENT_TOLERANCE,
    ChoiceRow,
    KnownAnswersResult,
    known_answers,
)
from core.models.catalog import DEMO, PREFERRED, model_folder, namesake
from core.records.errors import PlaygroundError
from core.text.readable import number
from core.text.visible import one_line
from tui.cli.choices import Choices
from tui.cli.options import DeviceOption
from tui.cli.streams import StageNotes, complain, emit
from tui.cli.table import aligned

if TYPE_CHECKING:
    from core.models.loading import LoadedModel
    from core.records.progress import Report

DIFFERS_CODE = 1
NOT_HERE_CODE = 3

KnownModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help=f"{PREFERRED} or {DEMO}, the bundled model.  [default: {PREFERRED}]",
        show_default=False,
    ),
]

_COLUMNS = ("STEP", "INPUT AND CHOICES", "KNOWN", "HERE", "DIFFERENCE", "")
_FIGURES = (2, 3, 4)  # of the columns
_Row = tuple[str, str, str, str, str, str]


def verify_command(
    context: typer.Context, model: KnownModelOption = None, device: DeviceOption = None
) -> int:
    """Hold known answers of a model against this program, in float32.

    For gpt2-xl these are published figures. Exit code: 0 when all of them hold, 1 when not, 3
    when the weights are not on this machine.
    """
    choices = context.obj if isinstance(context.obj, Choices) else Choices()
    name = model or choices.model or PREFERRED
    return run_verify(name, device or choices.device or "auto")


def run_verify(
    name: str,
    device: str,
    find: Callable[[str], Path] = model_folder,
    load: Callable[[str, str, str, Report], LoadedModel] | None = None,
) -> int:
    """Write the known answers of ``name`` beside this program's; return the exit code.

    Args:
        name: A model of which answers are known.
        device: Where to run it.
        find: Turns a name into a folder, or raises ``PlaygroundError`` where it is not here.
        load: Loads the model; ``load_model`` where it is ``None``.

    Raises:
        PlaygroundError: No answers of it are known, or it cannot be loaded.
        ClosedPipe: Nobody reads standard output any more.
    """
    answers = known_answers(name)
    try:
        find(name)
    except PlaygroundError as error:
        complain(f"nothing was verified: {error}")
        return NOT_HERE_CODE
    tell = StageNotes("verify")
    if namesake(name):
        tell(namesake(name))
    tell("starting torch and transformers")
    from core.known_answers.check import check_known_answers

    loaded = (load or _load)(name, device, "float32", tell)
    result = check_known_answers(name, loaded.model, loaded.codec, answers, tell)
    emit("\n".join(result_lines(result)) + "\n")
    return 0 if result.passed else DIFFERS_CODE


def _load(name: str, device: str, dtype: str, report: Report) -> LoadedModel:
    from core.models.loading import load_model

    loaded = load_model(name, device, dtype, report)
    remember_model(loaded.placement.device, loaded.placement.dtype, loaded.engine)
    return loaded


def result_lines(result: KnownAnswersResult) -> list[str]:
    """Return ``result`` as lines: every figure known, here, and their difference."""
    lines = [
        f"{one_line(result.model)} on {result.device} in float32, against {one_line(result.source)}"
    ]
    lines += ["", *aligned([_COLUMNS, *_step_rows(result)], _FIGURES)]
    sums = [("SUMMED LOG-PROBABILITY", *_COLUMNS[2:]), *_sequence_rows(result)]
    lines += ["", *aligned(sums, [column - 1 for column in _FIGURES])]
    lines += ["", _verdict(result)]
    return lines


def _step_rows(result: KnownAnswersResult) -> Iterator[_Row]:
    for index, step in enumerate(result.steps):
        yield (number(index), one_line(step.expected_input), "", "", "", "")
        if not step.has_input:
            ours = "the end of the text" if step.input is None else one_line(step.input)
            yield ("", f"but here: {ours}", "", "", "", "differs")
        for choice in step.choices:
            yield _choice_row(choice)


def _choice_row(choice: ChoiceRow) -> _Row:
    text = one_line(choice.expected.text)
    if choice.text != choice.expected.text:
        text += f", but here: {'nothing' if choice.text is None else one_line(choice.text)}"
    here = "" if choice.percent is None else f"{choice.percent:.4f}%"
    difference = "" if choice.difference is None else f"{choice.difference:+.4f}"
    mark = "" if choice.holds else "differs"
    return ("", f"  {text}", f"{choice.expected.percent:.2f}%", here, difference, mark)


def _sequence_rows(result: KnownAnswersResult) -> Iterator[tuple[str, ...]]:
    for row in result.sequences:
        yield (
            one_line(row.expected.name),
            f"{row.expected.logprob:.2f}",
            f"{row.logprob:.4f}",
            f"{row.difference:+.4f}",
            "" if row.holds else "differs",
        )


def _verdict(result: KnownAnswersResult) -> str:
    within = f"{PERCENT_TOLERANCE} percentage points and {LOGPROB_TOLERANCE} in sums"
    if result.passed:
        return f"all {result.figures} figures hold, within {within}"
    if not result.figures:
        return "there was nothing to compare"
    return f"{result.differing} of {result.figures} figures differ by more than {within}"
