"""``gpt2-playground export``: a run that was saved as JSON Lines, or a session, in any format.

Must never import textual, torch or transformers: all that it writes is in the file already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from core.document.export.about import FORMAT_VERSION, PROGRAM
from core.document.export.files import FORMAT_OF_SUFFIX, new_file_of, write_new_text
from core.document.export.page.page import page_of
from core.document.export.reading import ExportedRun, exported_run
from core.document.export.writers import make_writer
from core.records.errors import PlaygroundError
from core.sessions.header import LaterVersionError
from core.sessions.reading import read_contents
from core.sessions.runs import runs_of
from core.text.visible import one_line
from tui.cli.score.command import read_text
from tui.cli.streams import emit, note


class ExportFormat(StrEnum):
    """The forms in which ``export`` writes a run."""

    HTML = "html"
    MARKDOWN = "markdown"
    CSV = "csv"
    TABLE = "table"
    TEXT = "text"
    JSONL = "jsonl"


_OF_SEVERAL = ("html", "markdown")
"""The formats that hold several runs one after the other."""


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="A run saved as JSON Lines, by the app or by generate, or a session. - reads standard "
        "input.",
    ),
]
ExportFormatOption = Annotated[
    ExportFormat | None,
    typer.Option(
        "--format",
        show_default=False,
        help="As generate writes them. Without it the end of --output says which: "
        f"{', '.join(FORMAT_OF_SUFFIX)}.",
    ),
]
RunOption = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="NAME",
        help="The run of a session to write, by its name; html and markdown hold all.",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="A new file to write to, in the place of standard output.",
    ),
]


def export_command(
    file: RunArgument,
    run: RunOption = None,
    output_format: ExportFormatOption = None,
    output: OutputOption = None,
) -> int:
    """Write a saved run or session in another format: a page for a browser, a table, the text."""
    path = new_file_of(output) if output is not None else None
    name = output_format.value if output_format is not None else None
    if name is None and path is not None:
        name = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if name is None:
        raise PlaygroundError(
            f"there is no format to write; give --format, which is one of {', '.join(ExportFormat)}"
        )
    text = _written(_chosen(read_runs(file), run, name), name)
    if path is None:
        emit(text)
    else:
        write_new_text(path, text)
        note(f"written to {path}")
    return 0


def read_runs(file: str) -> list[ExportedRun]:
    """Return the run or the session's runs in ``file``, or on standard input for ``-``.

    Raises:
        PlaygroundError: It cannot be read, or holds no run.
    """
    source = "standard input" if file == "-" else repr(file)
    text = read_text(file)
    run = exported_run(text, source)
    if run is not None:
        return [run]
    try:
        contents = read_contents(f"{text}\n".encode())
    except LaterVersionError as error:
        raise PlaygroundError(f"{source} cannot be read here: {error}; update {PROGRAM}") from None
    except ValueError:
        raise PlaygroundError(
            f"{source} is no run saved as JSON Lines, and no session; give one that the app has"
            " saved, or that generate --format jsonl has written"
        ) from None
    if contents.fault:
        note(f"of {source} comes what stands before this: {contents.fault}")
    runs = list(runs_of(contents.state))
    if not runs:
        raise PlaygroundError(f"{source} is a session without a run; there is nothing to write")
    return runs


def _chosen(runs: list[ExportedRun], wanted: str | None, format_name: str) -> list[ExportedRun]:
    """Return the runs to write: all, or the one of that name.

    Raises:
        PlaygroundError: There is none such, or there are more than the format holds.
    """
    names = [one.name for one in runs]
    if wanted in names:
        return [runs[names.index(wanted)]]
    if wanted is None and (len(runs) == 1 or format_name in _OF_SEVERAL):
        return runs
    told = one_line(", ".join(name for name in names if name), 200)
    if wanted is not None:
        others = f"there are {told}" if told else "it holds one, without a name; leave --run out"
        raise PlaygroundError(f"there is no run {wanted!r}; {others}")
    raise PlaygroundError(
        f"there are {len(runs)} runs, and {format_name} holds one; choose it with --run: {told}"
    )


def _written(runs: list[ExportedRun], name: str) -> str:
    if name == "html":
        return page_of(runs)
    return "\n".join(_one_written(run, name) for run in runs)


def _one_written(run: ExportedRun, name: str) -> str:
    about = {**run.about, "format": PROGRAM, "format_version": FORMAT_VERSION}
    writer = make_writer(name, run.prompt, about)
    events = (run.started, *run.steps, run.finished)
    return "".join(part for event in events for part in writer.write(event))
