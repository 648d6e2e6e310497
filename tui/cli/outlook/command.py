"""``gpt2-playground tree``: what a preset could write behind a prompt, likeliest first.

Must never import textual, nor a model library before a model is needed. Results go to standard
output, everything else to standard error.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from core.document.export.about import about_run
from core.document.export.writers import json_line
from core.faults.circumstances import remember_model
from core.outlook.diagrams import MOST_ARROWS, arrow_count, dot, mermaid
from core.outlook.gathered import Outlook
from core.records.chat import Message
from core.records.errors import PlaygroundError
from core.records.outlook import LEAST_SHARE, MOST_DEPTH, Growth, Reach
from core.records.request import Request
from core.records.settings import Settings
from core.text.readable import percent
from tui.cli.choices import Choices, choices_of, make_backend, open_book
from tui.cli.generate import describe, read_prompt
from tui.cli.options import (
    DeviceOption,
    DtypeOption,
    EngineOption,
    ModelOption,
    PresetOption,
    PresetsOption,
    PromptArgument,
    SetOption,
    UnsetOption,
    whole_number,
)
from tui.cli.outlook.writers import growth_lines, last_line, summary, table_lines
from tui.cli.parsing.settings import decoding_settings
from tui.cli.streams import (
    INTERRUPTED_CODE,
    Progress,
    RunFailed,
    StageNotes,
    cancel_on_interrupt,
    emit,
    note,
)


class TreeFormat(StrEnum):
    """The forms in which ``tree`` writes its result."""

    TABLE = "table"
    JSONL = "jsonl"
    MERMAID = "mermaid"
    DOT = "dot"


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not LEAST_SHARE <= share <= 1:
        raise PlaygroundError(
            f"--least must be a probability from {LEAST_SHARE:f} to 1, such as 0.01 or 1%,"
            f" not {text!r}"
        )
    return share


_REACH = Reach()

DepthOption = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="N",
        parser=whole_number("--depth", 1, MOST_DEPTH),
        help=f"Look at texts of at most N tokens. Without it: {_REACH.depth}.",
    ),
]
LeastOption = Annotated[
    float | None,
    typer.Option(
        "--least",
        metavar="P",
        parser=_share,
        help="Leave texts out that are less likely than P, such as 0.01 or 1%. Without it: "
        f"{_REACH.least:g}.",
    ),
]
TreeFormatOption = Annotated[
    TreeFormat,
    typer.Option(
        "--format",
        help="table: a row for every text. jsonl: JSON records, as they are found. mermaid, dot: a "
        "diagram whose arrows are as wide as they are probable.",
    ),
]


def tree_command(
    context: typer.Context,
    prompt: PromptArgument,
    preset: PresetOption = None,
    sets: SetOption = None,
    unset: UnsetOption = None,
    depth: DepthOption = None,
    least: LeastOption = None,
    output_format: TreeFormatOption = TreeFormat.TABLE,
    model: ModelOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = None,
    presets: PresetsOption = None,
) -> int:
    """Tell what could be said behind PROMPT: every text with its exact probability.

    What the settings cut is not there. Beams are ignored: the tree is of single texts.
    """
    own = Choices(preset, presets, model, device, dtype, engine=engine)
    return run_tree(
        prompt,
        choices_of(context, own),
        Reach(depth or _REACH.depth, least or _REACH.least),
        sets=sets or (),
        unset=unset or (),
        output_format=output_format.value,
    )


def run_tree(
    prompt: str,
    choices: Choices,
    reach: Reach,
    *,
    sets: Sequence[str] = (),
    unset: Sequence[str] = (),
    output_format: str = "table",
) -> int:
    """Search within ``reach`` and write what is found; return the exit code.

    Raises:
        PlaygroundError: The prompt, the settings or the model cannot be used.
        RunFailed: The search broke off after something was found.
        ClosedPipe: Nobody reads the results any more.
    """
    book, preset = open_book(choices)
    settings = decoding_settings(preset, sets, unset=unset)
    text = read_prompt(prompt)
    backend = make_backend(choices, choices.model or book.model)
    messages = (Message("user", text),) if preset.chat is not None else ()
    request = Request("" if messages else text, settings, messages=messages, chat=preset.chat)
    try:
        info = backend.load(StageNotes("loading"))
        remember_model(info.device, info.dtype, info.engine)
        describe(info, preset)
        for sentence in _ignored(settings):
            note(sentence)
        about = {
            "type": "outlook",
            **about_run(info, preset.name, settings, preset.chat, messages),
            "prompt": text,
            "depth": reach.depth,
            "least": reach.least,
        }
        with cancel_on_interrupt() as cancelled:
            growths = backend.outlook(request, reach, cancelled.is_set)
            return _write(growths, reach, text, output_format, about, cancelled.is_set)
    finally:
        backend.close()


def _ignored(settings: Settings) -> Iterator[str]:
    """Yield what of ``settings`` an outlook is not of."""
    if settings.num_beams > 1:
        yield "num_beams is left out: the tree is of single texts, as they are without beams"
    if not settings.do_sample:
        yield "do_sample is off: the first text is the one that is written, the others its rivals"


def _write(
    growths: Iterator[Growth],
    reach: Reach,
    prompt: str,
    output_format: str,
    about: dict[str, Any],
    is_cancelled: Callable[[], bool],
) -> int:
    """Write what is found; return the exit code."""
    progress = Progress(is_shown=sys.stderr.isatty() and not sys.stdout.isatty())
    outlook = Outlook()
    failure: PlaygroundError | None = None
    is_streamed = output_format == "jsonl"
    try:
        for growth in growths:
            outlook.add(growth)
            if is_streamed:
                first = [json_line(about)] if growth.parent == 0 else []
                for line in (*first, *growth_lines(growth, outlook)):
                    emit(line)
            told = f"{len(outlook.prospects):,} texts, {percent(outlook.covered, 2)} covered"
            progress.show(told)
    except PlaygroundError as error:
        if not outlook.prospects:
            raise
        failure = error  # what was found is no less true
    finally:
        progress.show("")
    reason = _reason(outlook, is_cancelled=is_cancelled(), has_failed=failure is not None)
    for line in _results(outlook, prompt, output_format, reason):
        emit(line)
    if failure is not None:
        raise RunFailed(str(failure)) from None
    note(summary(outlook, reach))
    if reason == "most":
        note(f"stopped at {reach.most:,} texts; raise --least, or lower --depth")
    if output_format == "mermaid" and arrow_count(outlook) > MOST_ARROWS:
        note(f"Mermaid draws {MOST_ARROWS} arrows unless maxEdges allows for more; raise --least")
    return INTERRUPTED_CODE if reason == "cancelled" else 0


def _reason(outlook: Outlook, *, is_cancelled: bool, has_failed: bool) -> str:
    if has_failed:
        return "failed"
    if not outlook.open:
        return "complete"
    return "cancelled" if is_cancelled else "most"


def _results(outlook: Outlook, prompt: str, output_format: str, reason: str) -> Iterator[str]:
    """Return what is written once all is found."""
    if output_format == "jsonl":
        return iter([last_line(outlook, reason)])
    if output_format == "table":
        return table_lines(outlook)
    return (mermaid if output_format == "mermaid" else dot)(outlook, prompt)
