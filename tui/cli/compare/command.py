"""``gpt2-playground compare``: runs side by side on one prompt, in one batch and by the same dice.

Must never import textual, nor a model library before a model is needed. Results go to standard
output, everything else to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import typer

from core.backends.base import Backend
from core.document.export.about import about_run
from core.faults.circumstances import remember_model
from core.looking_back.comparison.column import Column, Comparison
from core.looking_back.comparison.spread import spread_of
from core.looking_back.comparison.written import (
    HEADING,
    event_line,
    figures_lines,
    markdown_of,
    remarks_on,
    rows_of,
    spread_line,
    spread_sentences,
)
from core.models.catalog import find_model
from core.models.hub.errors import format_bytes
from core.models.hub.weights import safetensors_parameters
from core.records.comparison import ColumnPlan, InTurn
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.steps import EngineChanged, Event, Finished, Started
from core.text.visible import visible
from tui.cli.choices import Choices, choices_of, make_backend, open_book
from tui.cli.compare.options import (
    Asked,
    ColumnsOption,
    CompareFormat,
    CompareFormatOption,
    ModelsOption,
    OwnDiceOption,
    SeedsOption,
    SweepOption,
    plans_of,
)
from tui.cli.generate import model_at_work, read_prompt
from tui.cli.options import (
    DeviceOption,
    DtypeOption,
    EngineOption,
    ModelOption,
    PresetOption,
    PromptArgument,
    SeedOption,
    SetOption,
    StepsOption,
    UnsetOption,
)
from tui.cli.streams import (
    INTERRUPTED_CODE,
    Progress,
    RunFailed,
    StageNotes,
    cancel_on_interrupt,
    complain,
    emit,
    note,
)
from tui.cli.table import aligned

_INDENT = "    "


def compare_command(
    context: typer.Context,
    prompt: PromptArgument,
    presets: ColumnsOption = None,
    preset: PresetOption = None,
    seeds: SeedsOption = None,
    sweep: SweepOption = None,
    models: ModelsOption = None,
    sets: SetOption = None,
    unset: UnsetOption = None,
    seed: SeedOption = None,
    own_dice: OwnDiceOption = False,
    steps: StepsOption = None,
    output_format: CompareFormatOption = CompareFormat.TABLE,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = None,
) -> int:
    """Continue PROMPT in several ways side by side, and tell where and why they part.

    The columns are presets, seeds of one preset, or one setting over a range. They run together,
    with the same dice: what differs comes from the settings.
    """
    own = Choices(preset, None, model, device, dtype, seed, engine)
    asked = Asked(presets or (), seeds, sweep, models, own_dice, sets or (), unset or (), steps)
    return run_compare(prompt, choices_of(context, own), asked, output_format.value)


def run_compare(prompt: str, choices: Choices, asked: Asked, output_format: str = "table") -> int:
    """Run the columns and write what comes of them; return the exit code.

    Raises:
        PlaygroundError: The prompt, the columns or the model cannot be used, or no column can run.
        RunFailed: A column has failed.
        ClosedPipe: Nobody reads the results any more.
    """
    book, _ = open_book(choices)
    named = book.named(choices.preset) if choices.preset is not None else None
    if asked.models and choices.model is not None:
        raise PlaygroundError("--model has no effect beside --models; leave it out")
    text = read_prompt(prompt)
    plans = plans_of(asked, book, named, choices.seed, text)
    if asked.own_dice and asked.seeds:
        note("--own-dice has no effect: seeds are dice of their own")
    models = list(dict.fromkeys(plan.model for plan in plans))
    if asked.models:
        _tell_memory(models, choices)
    comparison = Comparison(plans)
    writer = _Writer(comparison, text, output_format, is_of_seeds=bool(asked.seeds))
    with cancel_on_interrupt() as cancelled:
        for name in models:
            backend = make_backend(choices, name or choices.model or book.model)
            try:
                _run(backend, writer, name, cancelled.is_set)
            except PlaygroundError as error:
                if not any(column.started for column in comparison.columns):
                    raise
                for piece in writer.failed(name, str(error)):
                    emit(piece)
            finally:
                backend.close()
    for piece in writer.results():
        emit(piece)
    return _exit_code(comparison)


def _tell_memory(models: Sequence[str], choices: Choices) -> None:
    """Say what memory the weights of each of ``models`` take and where, before any is loaded.

    Raises:
        PlaygroundError: One of them is not here, has no weights that can be used, or does not fit.
    """
    parameters = {name: safetensors_parameters(find_model(name).folder) for name in models}
    from core.models.device.placement import ModelSize, place

    for name, count in parameters.items():
        size = ModelSize(name, count, 0)
        placement = place(size, choices.device or "auto", choices.dtype or "auto")
        dtype = str(placement.dtype).removeprefix("torch.")
        memory = format_bytes(size.needed_bytes(dtype, str(placement.device)))
        note(f"{name}: {memory} of weights on {placement.device}, in {dtype}")
    if len(models) > 1:
        note("they run in turn, and one at a time is in memory")


def _run(backend: Backend, writer: _Writer, model: str, is_cancelled: Callable[[], bool]) -> None:
    """Run the columns of one model."""
    columns, places = writer.comparison.columns, writer.places(model)
    info = backend.load(StageNotes("loading"))
    remember_model(info.device, info.dtype, info.engine)
    writer.models.append(info)
    note(model_at_work(info))
    progress = Progress(is_shown=sys.stderr.isatty() and not sys.stdout.isatty())
    requests = [columns[at].plan.request for at in places]
    try:
        for told in backend.compare(requests, is_cancelled):
            if isinstance(told.event, EngineChanged):
                complain(f"the engine is another one now: {told.event.engine}")
            elif isinstance(told.event, InTurn):
                note(f"{columns[places[told.column]].plan.name}: {told.event.reason}")
            for piece in writer.event(places[told.column], told.event):
                emit(piece)
            written = sum(len(columns[at].steps) for at in places)
            progress.show(f"{written:,} steps of {len(places)} columns")
    finally:
        progress.show("")


def _exit_code(comparison: Comparison) -> int:
    columns = comparison.columns
    ends = [column.finished for column in columns if column.finished is not None]
    failed = [one for one in ends if one.reason == "failed"]
    if len(failed) == len(columns) and not any(column.started for column in columns):
        raise PlaygroundError(failed[0].detail)
    if failed:
        raise RunFailed(f"{len(failed)} of {len(columns)} columns failed: {failed[0].detail}")
    note(f"finished: {len(columns)} columns, {_steps(columns)} tokens")
    return INTERRUPTED_CODE if any(one.reason == "cancelled" for one in ends) else 0


def _steps(columns: Sequence[Column]) -> str:
    return f"{sum(len(column.token_ids) for column in columns):,}"


class _Writer:
    """Turns the events of all columns into text: JSON Lines as they come, all else at the end."""

    def __init__(
        self, comparison: Comparison, prompt: str, output_format: str, *, is_of_seeds: bool
    ) -> None:
        self.comparison = comparison
        self.models: list[ModelInfo] = []
        self._prompt, self._format, self._is_of_seeds = prompt, output_format, is_of_seeds

    def places(self, model: str) -> list[int]:
        """Return which columns are of ``model``."""
        columns = enumerate(self.comparison.columns)
        return [place for place, column in columns if column.plan.model == model]

    def event(self, place: int, event: Event | InTurn) -> Iterator[str]:
        """Take an event of column ``place``, and yield what it adds to the output."""
        column = self.comparison.columns[place]
        column.take(event)
        if self._format == "jsonl":
            about = self._about(column.plan) if isinstance(event, Started) else {}
            yield event_line(place, event, about)

    def failed(self, model: str, why: str) -> Iterator[str]:
        """End what has not ended of the columns of ``model``."""
        for place in self.places(model):
            if self.comparison.columns[place].finished is None:
                yield from self.event(place, Finished("failed", (), "", 0.0, detail=why))

    def results(self) -> Iterator[str]:
        """Yield what is written once all columns have ended."""
        columns = self.comparison.columns
        spread = spread_of(columns) if self._is_of_seeds else None
        if self._format == "jsonl":
            yield from figures_lines(columns)
            if spread is not None:
                yield spread_line(spread)
        elif self._format == "markdown":
            facts = [("Model", info.name) for info in self.models]
            yield from markdown_of(self._prompt, facts, columns, spread)
        else:
            yield from self._table(columns)
            if spread is not None:
                yield "\n"
                yield from (f"{one}\n" for one in spread_sentences(spread))

    def _about(self, plan: ColumnPlan) -> dict[str, object]:
        request, info = plan.request, self.models[-1]
        about = about_run(info, plan.name, request.settings, request.chat, request.messages)
        return {**about, "prompt": self._prompt}

    def _table(self, columns: Sequence[Column]) -> Iterator[str]:
        rows = [HEADING, *rows_of(columns)]
        numbers = tuple(range(1, len(HEADING) - 2))
        yield from (f"{line}\n" for line in aligned(rows, right=(*numbers, len(HEADING) - 1)))
        for column in columns:
            remarks = "; ".join(remarks_on(column, columns[0]))
            yield f"\n{visible(column.plan.name, keep='')}"
            yield f" ({remarks})\n" if remarks else "\n"
            for line in visible(column.text, keep="\n").split("\n"):
                yield f"{_INDENT}{line}\n"
