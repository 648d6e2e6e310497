"""``gpt2-playground replay``: does what was saved come out again, and where does it differ first?

Must never import textual, nor a model library before the file is read and its models are found.
The result goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from core.document.export.facts import SHOWN_OF_A_FINGERPRINT
from core.document.export.reading import ExportedRun
from core.document.export.writers import json_line
from core.models.catalog import find_model
from core.records.errors import PlaygroundError
from core.replay.differing import Difference, Token
from core.replay.runs import Place, Replayed, place_of, replay
from core.text.readable import number, token_count
from core.text.visible import one_line
from tui.cli.choices import Choices, choices_of, make_backend
from tui.cli.options import DeviceOption, DtypeOption, EngineOption, ModelOption
from tui.cli.saved.export import read_runs
from tui.cli.streams import INTERRUPTED_CODE, Progress, StageNotes, cancel_on_interrupt, emit, note
from tui.cli.table import aligned

DIFFERS_CODE = 1

_LABELS = {"program_version": "program", "weights_fingerprint": "weights"}
_LONGEST_TEXT = 40  # of a prompt, a token or a beam, in characters


class ReplayFormat(StrEnum):
    """The forms in which ``replay`` writes its result."""

    TEXT = "text"
    JSON = "json"


FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="A run saved as JSON Lines, or a session, of which every run is run again. - reads "
        "standard input.",
    ),
]
ReplayFormatOption = Annotated[
    ReplayFormat,
    typer.Option(
        "--format",
        help="text: versions then and now, and a line for every run. json: one JSON object.",
    ),
]


def replay_command(
    context: typer.Context,
    file: FileArgument,
    output_format: ReplayFormatOption = ReplayFormat.TEXT,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = None,
) -> int:
    """Run a saved run or session again, and say where it differs first.

    Each runs on the model, device and dtype that wrote it, unless others are given. Exit code: 0
    when nothing differs, 1 when something does.
    """
    own = Choices(model=model, device=device, dtype=dtype, engine=engine)
    return run_replay(file, choices_of(context, own), output_format.value)


def run_replay(file: str, choices: Choices, output_format: str = "text") -> int:
    """Run what ``file`` holds again and write the result; return the exit code.

    Raises:
        PlaygroundError: The file cannot be read, or a model cannot be had or has other tokens.
        ClosedPipe: Nobody reads standard output any more.
    """
    runs = read_runs(file)
    placed = [(run, place_of(run, choices.model, choices.device, choices.dtype)) for run in runs]
    for name in {place.model for _, place in placed}:
        _check_is_here(name)

    def backend(place: Place) -> Any:  # noqa: ANN401 - a Backend
        here = dataclasses.replace(choices, device=place.device, dtype=place.dtype)
        return make_backend(here, place.model)

    found: list[Replayed] = []
    progress = Progress(is_shown=sys.stderr.isatty())
    with cancel_on_interrupt() as cancelled:
        for one in replay(placed, backend, StageNotes("replay"), cancelled.is_set):
            found.append(one)
            progress.show(f"replay: {len(found):,} of {len(runs):,} runs")
    progress.show("")
    emit(json_line(_record(found)) if output_format == "json" else "\n".join(_lines(found)) + "\n")
    if len(found) < len(runs):
        note(f"stopped after {len(found):,} of {len(runs):,} runs")
        return INTERRUPTED_CODE
    return DIFFERS_CODE if any(one.difference is not None for one in found) else 0


def _check_is_here(name: str) -> None:
    try:
        find_model(name)
    except PlaygroundError as error:
        raise PlaygroundError(f"{error}; or say by --model what is to run instead") from None


def _lines(found: Sequence[Replayed]) -> Iterator[str]:
    """Yield what was then and is now, wherever that changes, and a line for every run below it."""
    for (then, now), several in itertools.groupby(found, lambda one: (one.then, one.now)):
        rows = [("", "THEN", "NOW", "")]
        for name in then:
            both = then[name], now[name]
            mark = "differs" if None not in both and both[0] != both[1] else ""
            shown = SHOWN_OF_A_FINGERPRINT if name == "weights_fingerprint" else None
            told = [_known(one and one[:shown]) for one in both]
            rows.append((_LABELS.get(name, name), *told, mark))
        yield from aligned(rows)
        yield ""
        yield from aligned([_row(one) for one in several])
        yield ""
    yield _verdict(found)


def _known(value: str | None) -> str:
    return one_line(value) if value else "not known"


def _row(one: Replayed) -> tuple[str, str, str]:
    run = one.run
    steps = token_count(len(run.finished.token_ids))
    what = "the same" if one.difference is None else _told(one.difference)
    name = run.name or _ending(run.prompt) or "run"
    return (one_line(name, _LONGEST_TEXT), steps, what)


def _ending(prompt: str) -> str:
    return prompt if len(prompt) <= _LONGEST_TEXT else f"…{prompt[-_LONGEST_TEXT + 1 :]}"


def _told(difference: Difference) -> str:
    """Return a difference as a phrase: at which step, what, then and now."""
    what: str = difference.kind
    if difference.candidate is not None:
        what += f" of {_value(difference.candidate)}"
    then, now = difference.then, difference.now
    if difference.kind == "end":
        values = f"then {then or 'it went on'}, now {now or 'it goes on'}"
    else:
        values = f"then {_value(then)}, now {_value(now)}"
    return f"step {number(difference.index)}: {what}: {values}"


def _value(value: Token | float | str | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, Token):
        return f"{one_line(repr(value.text), _LONGEST_TEXT)} ({value.token_id})"
    return f"{value:.6f}" if isinstance(value, float) else one_line(repr(_ending(value)))


def _verdict(found: Sequence[Replayed]) -> str:
    differing = sum(one.difference is not None for one in found)
    within = f"within {max((one.tolerance for one in found), default=0.0):g} in probabilities"
    runs = "the run" if len(found) == 1 else f"all {len(found):,} runs"
    if not differing:
        return f"{runs} came out the same, {within}" if found else "nothing was run again"
    return f"{differing:,} of {len(found):,} runs differ; figures count as the same {within}"


def _record(found: Sequence[Replayed]) -> dict[str, Any]:
    """Return the result as a JSON object; steps are told by their ``index``, from 0."""
    return {
        "runs": [_run_record(one) for one in found],
        "differing": sum(one.difference is not None for one in found),
    }


def _run_record(one: Replayed) -> Mapping[str, Any]:
    run: ExportedRun = one.run
    return {
        "name": run.name,
        "prompt": run.prompt,
        "tokens": len(run.finished.token_ids),
        "seed": run.started.seed,
        "tolerance": one.tolerance,
        "then": dict(one.then),
        "now": dict(one.now),
        "difference": dataclasses.asdict(one.difference) if one.difference is not None else None,
    }
